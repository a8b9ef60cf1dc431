/* gcc's shuffle of two vectors, which clang lacks, lane by lane: included before the library's sources, for
 * fuzzing alone, where speed is nothing. */
#ifndef ANTIPHON_TESTS_FUZZ_SHUFFLE_H
#define ANTIPHON_TESTS_FUZZ_SHUFFLE_H

#define __builtin_shuffle(a, b, index)                                                                       \
    ({                                                                                                       \
        const int lanes_ = (int)(sizeof(a) / sizeof(a)[0]);                                                  \
        __typeof__(a) shuffled_;                                                                             \
        for (int lane_ = 0; lane_ < lanes_; lane_++)                                                         \
            shuffled_[lane_] = (index)[lane_] < lanes_ ? (a)[lane_] : (b)[(index)[lane_] - lanes_];          \
        shuffled_;                                                                                           \
    })

#endif
