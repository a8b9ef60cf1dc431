/* The register of all operations.
 *
 * An operation is defined by AP_DEFINE_OP in the file of its family, which compiles only if the operation is
 * listed here. The tests make their table of forward_NAME (against an independent loop) and gradient_NAME
 * (gradient check) from this list, so that they do not link if one of them is missing. */
#ifndef ANTIPHON_OPS_REGISTRY_H
#define ANTIPHON_OPS_REGISTRY_H

#include "antiphon/tape.h"

#define AP_OPS(X)                                                                                            \
    /* elementwise.c */                                                                                      \
    X(add)                                                                                                   \
    X(mul)                                                                                                   \
    X(affine)                                                                                                \
    X(abs)                                                                                                   \
    X(clamp)                                                                                                 \
    X(elu)                                                                                                   \
    X(leaky_relu)                                                                                            \
    X(gelu)                                                                                                  \
    X(tanh)                                                                                                  \
    X(exp)                                                                                                   \
    X(sqrt)                                                                                                  \
    X(reciprocal)                                                                                            \
    X(asinh)                                                                                                 \
    /* linear.c */                                                                                           \
    X(linear)                                                                                                \
    X(matmul)                                                                                                \
    /* layout.c */                                                                                           \
    X(transpose)                                                                                             \
    X(concat)                                                                                                \
    X(slice)                                                                                                 \
    X(delay)                                                                                                 \
    X(add_rows)                                                                                              \
    X(mul_items)                                                                                             \
    X(mul_groups)                                                                                            \
    X(sum)                                                                                                   \
    X(rms)                                                                                                   \
    X(volume)                                                                                                \
    /* norm.c */                                                                                             \
    X(layer_norm)                                                                                            \
    X(residual_norm)                                                                                         \
    X(batch_norm)                                                                                            \
    X(group_norm)                                                                                            \
    X(softmax)                                                                                               \
    /* dropout.c */                                                                                          \
    X(dropout)                                                                                               \
    /* stft.c */                                                                                             \
    X(stft_magnitude)                                                                                        \
    /* stft_bands.c */                                                                                       \
    X(stft_bands)                                                                                            \
    /* band_gains.c */                                                                                       \
    X(band_gains)                                                                                            \
    /* overlap_add.c */                                                                                      \
    X(overlap_add)                                                                                           \
    /* conv1d.c, conv_transpose1d.c, residual_block.c, weight_norm.c */                                      \
    X(conv1d)                                                                                                \
    X(conv_transpose1d)                                                                                      \
    X(residual_block)                                                                                        \
    X(weight_norm)                                                                                           \
    /* mdct.c */                                                                                             \
    X(mdct_encode)                                                                                           \
    X(mdct_decode)                                                                                           \
    /* levels.c */                                                                                           \
    X(band_levels)                                                                                           \
    X(band_fold)                                                                                             \
    /* attention.c */                                                                                        \
    X(attention)                                                                                             \
    /* lstm.c */                                                                                             \
    X(lstm)                                                                                                  \
    /* loss/bands.c, loss/envelope.c, loss/modulation.c */                                                   \
    X(band_split)                                                                                            \
    X(envelope)                                                                                              \
    X(correlation_cost)                                                                                      \
    /* loss/reconstruction.c */                                                                              \
    X(rms_loss)                                                                                              \
    /* loss/spectral.c */                                                                                    \
    X(spectral_distance)                                                                                     \
    /* loss/stft_distance.c, loss/log_average.c */                                                           \
    X(stft_distance)                                                                                         \
    X(stft_log_average)                                                                                      \
    /* loss/novelty.c */                                                                                     \
    X(cosine)                                                                                                \
    X(mean_of_all)                                                                                           \
    /* loss/pearson.c, loss/features.c */                                                                    \
    X(pearson)                                                                                               \
    X(flux)                                                                                                  \
    X(log_norm)                                                                                              \
    X(variation)                                                                                             \
    /* loss/mixture.c */                                                                                     \
    X(mixture_share)

#define AP_OP_REGISTERED(name) AP_OP_REGISTERED_##name,
enum { AP_OPS(AP_OP_REGISTERED) AP_OP_COUNT };
#undef AP_OP_REGISTERED

/* Defines op_NAME; its backward on the tape is the function NAME_node_backward above it. The arguments state
 * what that function reads (".reads = AP_READS_OUTPUT") and set other members of ap_op. */
#define AP_DEFINE_OP(operation, ...)                                                                         \
    _Static_assert(AP_OP_REGISTERED_##operation < AP_OP_COUNT, "registered");                                \
    static const ap_op op_##operation = {                                                                    \
        .name = #operation, .backward = operation##_node_backward, __VA_ARGS__}

/* For .reads_of: a product of the first two inputs. The gradient of each input reads the other. */
ap_reads ap_reads_of_product(const ap_var *y);

#endif
