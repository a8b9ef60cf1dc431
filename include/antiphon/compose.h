/** @file compose.h
 * Composes with a trained model: two recordings in, a third out.
 */
#ifndef ANTIPHON_COMPOSE_H
#define ANTIPHON_COMPOSE_H

#include "antiphon/api.h"
#include "antiphon/config.h"
#include "antiphon/model.h"

#include <stddef.h>

AP_API_BEGIN

/** The shortest recording to compose from, in seconds. */
#define AP_COMPOSE_SECONDS_LEAST 0.25

/** What a recording consists of. */
typedef struct ap_compose_format {
    int sample_rate; /**< in Hz */
    int channels;
} ap_compose_format;

/** The format in which a model composes: data.sample_rate and data.channels, unless its output part is bound
 * to the codec, which has 24000 Hz. gates still fill data.channels, since their gains go to each channel by
 * itself; cascade and direct give one channel. */
ap_compose_format ap_compose_format_of(const ap_config *config);

/** The measurements of a composition. Envelopes are of the mids (audio.h), with 250 segments over the whole
 * length; powers are means over the channels. */
typedef struct ap_composed {
    double seconds;           /**< length of the output: that of the shorter source, or of the section */
    double r_input, r_target; /**< Pearson's r of the envelopes of output and source */
    double cost;              /**< the modulation cost */
    /** sigma / mu of the envelopes: near 0 for a drone */
    double variation_input, variation_target, variation_output;
    /** ap_copy_r of the sources; if below AP_COPY_R_LEAST, r says nothing */
    double copy_r_input, copy_r_target;
    /** share of the sources' length in which the channels cancel each other (left = -right), so that the
     * agent hears them with their signs turned (audio.h) */
    double cancelled_input, cancelled_target;
    double rms_input, rms_target, rms_output; /**< full scale 1 */
    double lowered; /**< dB by which the output is below the level of the sources, so that it does not clip */
    /** gains of the copies of the sources: below 1 if a source exceeds full scale */
    double gain_input, gain_target;
    ap_compose_format written, input, target; /**< of the files written, and of the sources as they are */
} ap_composed;

/** Where to write the files. `output` is required; the copies may be NULL. */
typedef struct ap_compose_paths {
    const char *output;
    const char *input_copy, *target_copy; /**< the sources in the format of the output; lowered if they
                                             exceed full scale */
    bool limit;     /**< true: a limiter turns down only the peaks that would clip; false: the whole output is
                       lowered */
    ap_knobs knobs; /**< for models whose output part is takes; others are not touched by it */
    double from, to; /**< the section of the sources that is composed, in seconds; `to` 0: to the end of the
                        shorter one. The same seed gives a section the notes that it gives the whole */
    ap_compose_format format; /**< of all files; what is 0 is that of ap_compose_format_of. A format beyond
                                 that holds nothing more: the answer is resampled, or the same in both
                                 channels */
} ap_compose_paths;

/** A setting of a composition by its name: what `antiphon infer` has as --NAME VALUE, and Python's compose as
 * NAME=VALUE. */
typedef struct ap_compose_setting {
    const char *name, *value;
} ap_compose_setting;

/** Fills in the format, the knobs and the section of *paths from settings in any order: sample_rate,
 * channels, seed, preset, rhythm, harmony, dry, without and section, as `antiphon infer --help` explains
 * them. A knob that is given counts more than the preset's. variations is checked alone: the caller composes
 * as many, each with the next seed. With a configuration (NULL: without), it is AP_MISUSE to turn a knob that
 * its model does not have; and in any case to give a name that is none or a value that makes no sense. The
 * message begins with the name: "rhythm must be between -1 and 1, not 2". */
ap_status ap_compose_set(const ap_config *config, size_t count, const ap_compose_setting settings[],
                         ap_compose_paths *paths);

/** Called after each window, unless NULL: seconds composed, and seconds in total. */
typedef void ap_compose_watch(void *context, double done, double whole);

/** Composes from two recordings of any format, rate and length. The agent hears their mids at 24000 Hz; all
 * channels are composed alike, so that the stereo image stays. Long recordings are processed in overlapping,
 * cross-faded windows of data.seconds, in bounded memory. The output gets the mean power of the sources, and
 * is lowered or limited if that would clip, all channels alike. With agent.output takes it gets the target's
 * power, and a limiter keeps its peaks from standing out more than those of the sources. Files are WAV,
 * or FLAC where their names end in .flac, and appear whole or not at all. `composed` may be NULL. The status
 * names the file that cannot be read or written. */
ap_status ap_compose_files(const ap_config *config, ap_model *model, const char *input, const char *target,
                           const ap_compose_paths *paths, ap_compose_watch *watch, void *context,
                           ap_composed *composed);

/** Composes one window as the agent hears it, 24000 Hz and one channel: output [S] from input [S] and target
 * [S], on `tape`, which is reset. */
void ap_compose_window(ap_model *model, ap_tape *tape, int64_t S, ap_real *input, ap_real *target,
                       ap_real *output);

AP_API_END

#endif
