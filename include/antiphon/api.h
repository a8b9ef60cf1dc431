/** @file api.h
 * Marks what the library exports. Declarations between AP_API_BEGIN and AP_API_END have C linkage in C++ and
 * are visible in the shared library. All other symbols are hidden.
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
