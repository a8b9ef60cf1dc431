/* Event files, as TensorBoard reads them: records (TFRecord: length, masked CRC-32C of it, bytes, masked
 * CRC-32C of them, https://www.tensorflow.org/tutorials/load_data/tfrecord) of messages "Event"
 * (tensorboard/compat/proto). */
#ifndef ANTIPHON_TRACK_EVENTS_H
#define ANTIPHON_TRACK_EVENTS_H

#include "antiphon/status.h"
#include "track/sink.h"

#include <stdint.h>

typedef struct events events;

/* Begins an event file in `folder`, named after the others there, with the parameters as text and as
 * hyperparameters. `resumed_step` is as in ap_track_create: a new run removes the folder's earlier event
 * files, a resumed one tells TensorBoard to drop what is later than that step. */
ap_status ap_events_create(const char *folder, int64_t resumed_step, double time, const track_text *params,
                           size_t count, events **e);

/* Appends the values of a step in one write; whatever is not finite as NaN. */
ap_status ap_events_scalars(events *e, int64_t step, double time, int count, const char *const *names,
                            const double *values);

/* Appends a WAV file to be heard. */
ap_status ap_events_audio(events *e, int64_t step, double time, const char *name, const char *path);

ap_status ap_events_flush(events *e);

/* Says how the run ended, closes the file and frees. NULL is allowed. */
ap_status ap_events_finish(events *e, double time, ap_outcome outcome);

/* The CRC-32C (Castagnoli) of some bytes, before it is masked. */
uint32_t ap_crc32c(const void *bytes, size_t count);

#endif
