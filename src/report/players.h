/* A row of players with spectrograms, which sound one at a time. */
#ifndef ANTIPHON_REPORT_PLAYERS_H
#define ANTIPHON_REPORT_PLAYERS_H

#include "antiphon/real.h"
#include "report/page.h"

#include <stdint.h>

/* A recording at AP_SAMPLE_RATE. */
typedef struct player {
    const char *name, *style; /* style: a class name, for the colour */
    int64_t count;
    ap_real *samples;
} player;

/* Open and close a group of players: recordings and pictures of the same stretch of time. */
void ap_players_open(page *p);
void ap_players_close(page *p);

/* The row of a group. */
void ap_players_row(page *p, int count, const player *players);

#endif
