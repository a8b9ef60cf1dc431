/** @file rate.h
 * The sample rate at which the program listens.
 */
#ifndef ANTIPHON_RATE_H
#define ANTIPHON_RATE_H

/** The rate, in samples per second, at which the agent, the losses and the metrics hear: one channel, the mid
 * of a recording (audio.h). Files are resampled to it. What is kept and composed has a rate of its own
 * (data.sample_rate). */
#define AP_SAMPLE_RATE 24000

#endif
