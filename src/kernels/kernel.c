#include "kernels/kernel.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#ifdef AP_AMX_KERNEL
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

extern const ap_kernel ap_kernel_plain;

static bool runs_anywhere(void)
{
    return true;
}

#ifdef AP_X86_KERNELS

extern const ap_kernel ap_kernel_avx2, ap_kernel_avx512, ap_kernel_zen4, ap_kernel_zen5;

/* The compiler's support asks the processor, and whether the system saves such registers. The names are those
 * of -march: all that x86-64-v3, or v4, lets the compiler use. */
static bool runs_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

static bool runs_avx512(void)
{
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* Zen 5 has an instruction that Zen 4 has not, and that Intel has given up. */
static bool is_zen4(void)
{
    return __builtin_cpu_is("amd") && runs_avx512();
}

static bool is_zen5(void)
{
    return is_zen4() && __builtin_cpu_supports("avx512vp2intersect");
}

#endif

#ifdef AP_AMX_KERNEL

extern const ap_kernel ap_kernel_amx;

/* Bits of cpuid's leaf 7, of the register XCR0, and what asks Linux for room for the tiles of each thread
 * (Documentation/arch/x86/xstate.rst). */
#define AMX_BF16 (1u << 22)
#define AMX_TILE (1u << 24)
#define XCR0_TILES (3u << 17)
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_TILE_DATA 18

static bool runs_amx(void)
{
    unsigned a, b, c, d, low, high;
    if (!runs_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if (!(d & AMX_BF16) || !(d & AMX_TILE)) return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & XCR0_TILES) == XCR0_TILES &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILE_DATA) == 0;
}

#endif

#ifdef AP_EMULATED_KERNEL

extern const ap_kernel ap_kernel_amx_emulated, ap_kernel_fixed_emulated;

static bool never(void)
{
    return false;
}

#endif

/* From the plainest to the fastest. suits: whether it is the best for this processor, of those it can run. */
static const struct {
    const ap_kernel *kernel;
    bool (*runs)(void), (*suits)(void);
} kernels[] = {
    {&ap_kernel_plain, runs_anywhere, runs_anywhere},
#ifdef AP_X86_KERNELS
    {&ap_kernel_avx2, runs_avx2, runs_avx2},
    {&ap_kernel_avx512, runs_avx512, runs_avx512},
    {&ap_kernel_zen4, runs_avx512, is_zen4},
    {&ap_kernel_zen5, runs_avx512, is_zen5},
#endif
#ifdef AP_AMX_KERNEL
    {&ap_kernel_amx, runs_amx, runs_amx},
#endif
#ifdef AP_EMULATED_KERNEL
    {&ap_kernel_amx_emulated, runs_anywhere, never},
    {&ap_kernel_fixed_emulated, runs_anywhere, never},
#endif
};

#define KERNELS ((int)(sizeof kernels / sizeof *kernels))

static const ap_kernel *chosen = &ap_kernel_plain;
static char fault[256];

/* Whether the kernel multiplies in fixed point, and the processor has what it takes. */
static bool has_fixed(void)
{
#ifdef AP_X86_KERNELS
    if (chosen->fixed == AP_FIXED_VNNI) return __builtin_cpu_supports("avx512vnni");
#endif
    return chosen->fixed == AP_FIXED_EMULATED;
}

const ap_kernel *ap_kernel_at(int index, bool *runs)
{
    if (index >= KERNELS) return NULL;
    *runs = kernels[index].runs();
    return kernels[index].kernel;
}

static void choose(void)
{
    const char *wanted = getenv("ANTIPHON_KERNEL");
#ifdef AP_X86_KERNELS
    __builtin_cpu_init();
#endif
    for (int i = 0; i < KERNELS; i++)
        if (kernels[i].suits()) chosen = kernels[i].kernel;
    if (!wanted || !*wanted) return;
    for (int i = 0; i < KERNELS; i++) {
        if (strcmp(wanted, kernels[i].kernel->name) != 0) continue;
        if (kernels[i].runs())
            chosen = kernels[i].kernel;
        else
            snprintf(fault, sizeof fault, "ANTIPHON_KERNEL=%s: this processor cannot run that kernel",
                     wanted);
        return;
    }
    int length = snprintf(fault, sizeof fault, "ANTIPHON_KERNEL=%.60s: no such kernel; there are", wanted);
    for (int i = 0; i < KERNELS; i++)
        length += snprintf(fault + length, sizeof fault - (size_t)length, "%s %s", i ? "," : "",
                           kernels[i].kernel->name);
}

/* Before main, and before any thread: later the choice is only read. */
static __attribute__((constructor)) void begin(void)
{
    choose();
    ap_kernel_set_fast(false);
}

const char *ap_kernel_name(void)
{
    return chosen->name;
}

bool ap_kernel_gains_by_packing(void)
{
    return chosen->pairs || ap_tile_form() != AP_TILE_FLOATS;
}

/* Three parts are as exact as float; two leave about 1e-5 of the norm, one would leave more than 2e-3. Fixed
 * point leaves 3e-4. */
void ap_kernel_set_fast(bool fast)
{
    if (chosen->parts)
        ap_tile_set_form(fast ? AP_TILE_2_PARTS : AP_TILE_3_PARTS);
    else
        ap_tile_set_form(fast && has_fixed() ? AP_TILE_FIXED : AP_TILE_FLOATS);
}

bool ap_kernel_is_fast(void)
{
    return ap_tile_form() == AP_TILE_FIXED || ap_tile_form() == AP_TILE_2_PARTS;
}

const char *ap_kernel_fault(void)
{
    return *fault ? fault : NULL;
}

/* ---------------------------------------------------------------- the functions themselves */

#define CALL(result, name, parameters, arguments)                                                            \
    result ap_##name parameters                                                                              \
    {                                                                                                        \
        return chosen->name arguments;                                                                       \
    }
AP_KERNEL_FUNCTIONS(CALL)
#undef CALL
