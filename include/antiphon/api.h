/** @file api.h
 * What the library shows, and to whom: between AP_API_BEGIN and AP_API_END stand names that C++ too calls as
 * C has them, and that the shared library exports. Whatever is declared elsewhere stays inside.
 */
#ifndef ANTIPHON_API_H
#define ANTIPHON_API_H

#ifdef __cplusplus
#define AP_API_BEGIN                                                                                         \
    extern "C" {                                                                                             \
    _Pragma("GCC visibility push(default)")
#define AP_API_END                                                                                           \
    _Pragma("GCC visibility pop")                                                                            \
    }
#else
#define AP_API_BEGIN _Pragma("GCC visibility push(default)")
#define AP_API_END _Pragma("GCC visibility pop")
#endif

AP_API_BEGIN

/** The version of the library, as "0.1.0". */
const char *ap_version(void);

AP_API_END

#endif
