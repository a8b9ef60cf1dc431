/* What the options of infer say about how to compose. */
#ifndef ANTIPHON_CLI_KNOBS_H
#define ANTIPHON_CLI_KNOBS_H

#include "antiphon/compose.h"
#include "cli/options.h"

/* Fills in the knobs, the section and the format of `settings` from the options seed, preset, rhythm,
 * harmony, dry, without, section, sample_rate and channels. AP_MISUSE where a preset or a section makes no sense. */
ap_status knobs_read(const parsed_options *options, ap_compose_paths *settings);

/* AP_MISUSE if an option turns a knob that the model does not have. */
ap_status knobs_check(const parsed_options *options, const ap_config *config);

/* The help of --preset: each with what it does and sets. */
extern const char knobs_presets_help[];

/* FROM-TO as seconds or m:ss, TO may be missing: *to is 0 then. */
ap_status knobs_parse_section(const char *text, double *from, double *to);

#endif
