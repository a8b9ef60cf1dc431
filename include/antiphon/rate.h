/** @file rate.h
 * The sample rate, which losses need as much as files do.
 */
#ifndef ANTIPHON_RATE_H
#define ANTIPHON_RATE_H

/** The rate, in samples a second, at which every codec works. */
#define AP_SAMPLE_RATE 24000

#endif
