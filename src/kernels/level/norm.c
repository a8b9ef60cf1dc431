#include "kernels/level/names.h"

#include "kernels/norm.h"

/* In a second pass over x: the difference of two large sums would lose precision. */
double ap_norm_squares(int64_t n, const ap_real *x, double mean)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    return sum;
}

double ap_norm_sum(int64_t n, const ap_real *x)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    return sum;
}

void ap_norm_apply(int64_t n, const ap_real *x, ap_norm_moments of, const ap_real *gamma, const ap_real *beta,
                   ap_real *y)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - of.mean) * of.scale * gamma[i] + beta[i];
}

void ap_norm_back(int64_t n, const ap_real *x, ap_norm_moments of, const ap_real *gamma, const ap_real *dy,
                  ap_real *dx, double *dgamma, double *dbeta)
{
    double g_sum = 0, gh_sum = 0;
#pragma omp simd reduction(+ : g_sum, gh_sum)
    for (int64_t i = 0; i < n; i++) {
        ap_real h = (x[i] - of.mean) * of.scale;
        g_sum += (double)(dy[i] * gamma[i]);
        gh_sum += (double)(dy[i] * gamma[i] * h);
        dgamma[i] += (double)(dy[i] * h);
        dbeta[i] += (double)dy[i];
    }
    const ap_real g_mean = (ap_real)(g_sum / (double)n), gh_mean = (ap_real)(gh_sum / (double)n);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        ap_real h = (x[i] - of.mean) * of.scale;
        dx[i] = of.scale * (dy[i] * gamma[i] - g_mean - h * gh_mean);
    }
}
