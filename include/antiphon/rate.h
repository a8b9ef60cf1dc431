/** @file rate.h
 * The sample rate at which the whole program works.
 */
#ifndef ANTIPHON_RATE_H
#define ANTIPHON_RATE_H

/** The rate, in samples per second, of every codec, loss and metric. Files are resampled to it. */
#define AP_SAMPLE_RATE 24000

#endif
