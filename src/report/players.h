/* A row of players with spectrograms, which sound one at a time. */
#ifndef ANTIPHON_REPORT_PLAYERS_H
#define ANTIPHON_REPORT_PLAYERS_H

#include "report/page.h"

/* A recording. It sounds at its own rate and in its own channels; the picture is of its mid. */
typedef struct player {
    const char *name, *style; /* style: a class name, for the colour */
    const char *path;
    double seconds; /* at most these are shown, and at most AP_REPORT_SECONDS */
} player;

/* Open and close a group of players: recordings and pictures of the same stretch of time. */
void ap_players_open(page *p);
void ap_players_close(page *p);

/* The row of a group. */
void ap_players_row(page *p, int count, const player *players);

#endif
