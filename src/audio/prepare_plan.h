/* Plans a pair set before any of it is written: reads every recording once, leaves out what cannot be used,
 * and parts the rest into training and validation. */
#ifndef ANTIPHON_AUDIO_PREPARE_PLAN_H
#define ANTIPHON_AUDIO_PREPARE_PLAN_H

#include "audio/journal.h"
#include "audio/prepare_sources.h"

#include <stdint.h>

/* Keeps the sources that give a window of `window` samples, and decides which of their windows are for
 * validation and how their pairs are numbered. What is left out is told and counted. Fails if no source is
 * left, or if one is left out and the options are strict. */
ap_status ap_prepare_plan(const ap_prepare_options *o, ap_journal *journal, int64_t window,
                          ap_prepare_sources *all, ap_prepare_report *report);

#endif
