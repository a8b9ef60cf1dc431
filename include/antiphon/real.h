/** @file real.h
 * The number type of every tensor, parameter and kernel.
 *
 * float in ordinary builds; double with the CMake option AP_DOUBLE, so that gradient checks can use a
 * relative tolerance of 1e-6. Files (WAV, safetensors) hold float32 in both.
 */
#ifndef ANTIPHON_REAL_H
#define ANTIPHON_REAL_H

#ifdef AP_DOUBLE
typedef double ap_real;
#else
typedef float ap_real;
#endif

#endif
