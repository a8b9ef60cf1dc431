/** @file antiphon.h
 * All public headers at once.
 */
#ifndef ANTIPHON_ANTIPHON_H
#define ANTIPHON_ANTIPHON_H

#include "antiphon/agent.h"
#include "antiphon/api.h"
#include "antiphon/arena.h"
#include "antiphon/audio.h"
#include "antiphon/baselines.h"
#include "antiphon/checkpoint.h"
#include "antiphon/codec.h"
#include "antiphon/compose.h"
#include "antiphon/config.h"
#include "antiphon/evaluate.h"
#include "antiphon/guidance.h"
#include "antiphon/losses.h"
#include "antiphon/metrics.h"
#include "antiphon/model.h"
#include "antiphon/modulation.h"
#include "antiphon/objective.h"
#include "antiphon/ops.h"
#include "antiphon/listen.h"
#include "antiphon/optimiser.h"
#include "antiphon/pairs.h"
#include "antiphon/params.h"
#include "antiphon/prepare.h"
#include "antiphon/rate.h"
#include "antiphon/real.h"
#include "antiphon/report.h"
#include "antiphon/rng.h"
#include "antiphon/run_folder.h"
#include "antiphon/safetensors.h"
#include "antiphon/status.h"
#include "antiphon/stop.h"
#include "antiphon/study.h"
#include "antiphon/synth.h"
#include "antiphon/tape.h"
#include "antiphon/tensor.h"
#include "antiphon/track.h"
#include "antiphon/trainer.h"

#endif
