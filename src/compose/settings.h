/* The settings of a composition that have names: one list for ap_compose_set and for the options of infer. */
#ifndef ANTIPHON_COMPOSE_SETTINGS_H
#define ANTIPHON_COMPOSE_SETTINGS_H

#include <stdint.h>

#define AP_WORDS_OF(value) #value
#define AP_WORDS(value) AP_WORDS_OF(value)

/* The presets. What they do is measured by tests/cli/test_knobs.sh. */
#define AP_DRIVING_RHYTHM 0.5
#define AP_DRIVING_DRY 0.2
#define AP_FLOATING_RHYTHM -0.95
#define AP_ROAMING_HARMONY -0.7

/* X(name, kind, placeholder, default of the option, least, most, whether it is for models with takes alone, help)
 * with the kinds TEXT, INTEGER and NUMBER */
/* clang-format off */
#define AP_COMPOSE_SETTINGS(X)                                                                               \
    X(section, TEXT, "FROM-TO", NULL, 0, 0, false,                                                           \
      "compose this part of the sources: seconds or m:ss, as 0:30-1:15; 30- goes to the end")                \
    X(variations, INTEGER, "N", "1", 1, 1000, true,                                                          \
      "as many answers to the same pair, by one seed each: C_1.wav, C_2.wav ...")                            \
    X(sample_rate, INTEGER, "R", NULL, 16000, 96000, false,                                                  \
      "samples a second of the output, in place of the checkpoint's data.sample_rate")                       \
    X(channels, INTEGER, "1|2", NULL, 1, 2, false,                                                           \
      "channels of the output, in place of the checkpoint's data.channels")                                  \
    X(seed, INTEGER, "N", NULL, 0, INT32_MAX, true,                                                          \
      "another seed, another answer to the same pair (default 0)")                                           \
    X(preset, TEXT, "NAME", NULL, 0, 0, true,                                                                \
      "knobs by name: driving (rhythm " AP_WORDS(AP_DRIVING_RHYTHM) ", dry " AP_WORDS(AP_DRIVING_DRY)        \
      ": struck short, with some of the input), floating (rhythm " AP_WORDS(AP_FLOATING_RHYTHM)              \
      ": hardly struck), roaming (harmony " AP_WORDS(AP_ROAMING_HARMONY)                                     \
      ": notes from elsewhere); a knob that is given counts instead")                                        \
    X(rhythm, NUMBER, "X", NULL, -1, 1, true,                                                                \
      "-1: the target unstruck, 1: nothing but short notes that strike with the input (default 0: as "       \
      "composed)")                                                                                           \
    X(harmony, NUMBER, "X", NULL, -1, 1, true,                                                               \
      "-1: the target's notes from elsewhere, 1: only what it plays just then (default 0)")                  \
    X(dry, NUMBER, "X", NULL, 0, 1, true,                                                                    \
      "how much of the input sounds along; 1: at the target's level (default 0)")                            \
    X(without, TEXT, "HEAD", NULL, 0, 0, true,                                                               \
      "silence what one of the agent's heads writes: rhythm, harmony or timbre")
/* clang-format on */

#endif
