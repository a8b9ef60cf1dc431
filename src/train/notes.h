/* Messages to the observer of a training. */
#ifndef ANTIPHON_TRAIN_NOTES_H
#define ANTIPHON_TRAIN_NOTES_H

#include "antiphon/trainer.h"

/* Tells the observer a line, made by printf's rules, if it listens to notes. */
void ap_observer_note(const ap_observer *observer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
