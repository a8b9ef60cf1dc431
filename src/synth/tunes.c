/* Makes up what the piano plays: a chord progression, a left hand that spreads it out, and a right hand
 * whose melody returns to its motifs. */
#include "synth/noise.h"
#include "synth/synth.h"

#include "base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SCALE 7
#define OCTAVE 12
/* Bars per phrase; the most eighths per bar. */
#define PHRASE 4
#define EIGHTHS_MAX 8
#define TONES 3

static const int scales[2][SCALE] = {{0, 2, 4, 5, 7, 9, 11}, {0, 2, 3, 5, 7, 8, 10}};

/* Chords of a phrase as steps of the scale: 0 is the tonic. */
static const int progressions[2][8][PHRASE] = {
    {{0, 4, 5, 3},
     {0, 5, 3, 4},
     {1, 4, 0, 5},
     {0, 3, 0, 4},
     {5, 3, 0, 4},
     {0, 2, 3, 4},
     {0, 5, 1, 4},
     {3, 0, 4, 0}},
    {{0, 5, 2, 6},
     {0, 3, 4, 0},
     {0, 6, 5, 4},
     {0, 3, 6, 2},
     {0, 5, 3, 4},
     {0, 2, 6, 5},
     {0, 3, 0, 4},
     {5, 6, 0, 0}},
};

/* A left hand: for each eighth of the bar, the tone of the chord that is struck. 1 is the root, 3, 5, 8 the
 * octave, 0 the tenth, b bass and octave at once, c the chord above the bass, a dot nothing new. */
typedef struct left_hand {
    int beats;
    bool pedal;              /* held through each chord */
    double slowest, fastest; /* beats a minute at which this is played */
    const char *bar;
} left_hand;

static const left_hand left_hands[] = {
    {4, true, 56, 84, "15803580"},  {4, true, 60, 96, "1580853."},   {4, true, 66, 110, "b......."},
    {4, true, 66, 116, "b...c..."}, {4, false, 80, 132, "15351535"}, {4, false, 84, 140, "1.c.5.c."},
    {4, true, 72, 120, "b.c.c.c."}, {4, true, 76, 120, "1..5..8."},  {4, false, 90, 130, "8.5.3.5."},
    {3, true, 84, 150, "1.c.c."},   {3, true, 66, 110, "158053"},    {3, true, 70, 120, "b....."},
};
#define LEFT_HANDS ((int64_t)(sizeof left_hands / sizeof *left_hands))

/* Rhythms of a bar in eighths: x strikes, - holds, a point rests. */
static const char *const rhythms_4[] = {"x-x-x-x-", "x--xx-x-", "x-xxx-x-", ".xxxx---",
                                        "x---x-xx", "x--x--x-", "xxxxx---", "..x-x-x-",
                                        "x-x-xxxx", "xx-xx-x-", "x-----xx", ".x-xx-x-"};
static const char *const rhythms_3[] = {"x-x-x-", "x--xx-", "x-xxx-", "x---x-", "xxxx--", ".xx-x-", "x--x-x"};
static const char *const cadences_4[] = {"x---x---", "x-------", "x-x-x---", "x-----.."};
static const char *const cadences_3[] = {"x-----", "x---..", "x-x---"};
#define PICK(rng, list) ((list)[ap_rng_below((rng), (int64_t)(sizeof(list) / sizeof *(list)))])

typedef struct motif {
    const char *rhythm;
    int steps[EIGHTHS_MAX]; /* how far each note is from the one before, in steps of the scale */
} motif;

/* Everything that stays the same through a piece. */
typedef struct tune {
    piano_score score;
    const left_hand *left;
    const int *scale;
    const int *progression;
    int eighths;        /* in a bar */
    int bass;           /* the lowest root, as a MIDI pitch */
    double third_below; /* probability that the melody is doubled */
    double rubato;      /* how far the tempo sways, in beats */
    double swing;       /* position of the second eighth within a beat */
} tune;

static bool chance(ap_rng *rng, double probability)
{
    return ap_rng_uniform(rng) < probability;
}

/* ---------------------------------------------------------------- pitches */

/* The MIDI pitch of a step of the scale, counted from the tonic above the middle C; steps may be negative. */
static int pitch_of_step(const tune *t, int step)
{
    int octave = (step >= 0 ? step : step - (SCALE - 1)) / SCALE;
    return 60 + t->score.tonic + OCTAVE * octave + t->scale[step - octave * SCALE];
}

/* The tones of the chord on a step of the scale, as intervals above its root. The dominant of a minor key is
 * major. */
static void chord(const tune *t, int step, int tones[TONES])
{
    int root = pitch_of_step(t, step);
    for (int k = 0; k < TONES; k++) tones[k] = pitch_of_step(t, step + 2 * k) - root;
    if (t->score.minor && step == 4) tones[1] = 4;
}

/* The root of the chord of a bar, in the octave from the bass on. */
static int root_of(const tune *t, int step)
{
    int root = pitch_of_step(t, step);
    while (root >= t->bass + OCTAVE) root -= OCTAVE;
    while (root < t->bass) root += OCTAVE;
    return root;
}

static bool in_chord(int chord_step, int step)
{
    int above = ((step - chord_step) % SCALE + SCALE) % SCALE;
    return above == 0 || above == 2 || above == 4;
}

/* The melody's note on a strong beat: the tone of the chord closest to where the motif leads. */
static int settle(int chord_step, int step)
{
    for (int away = 0;; away++) {
        if (in_chord(chord_step, step - away)) return step - away;
        if (in_chord(chord_step, step + away)) return step + away;
    }
}

/* ---------------------------------------------------------------- time and notes */

/* The time of an eighth of the piece, with a tempo that sways once per phrase, and swing. */
static double time_of(const tune *t, double eighth)
{
    const double lead = 0.03; /* the music begins a moment after the recording */
    double whole = floor(eighth / 2) * 2, within = eighth - whole;
    double beat =
        (whole + (within < 1 ? within * 2 * t->swing : 2 * t->swing + (within - 1) * 2 * (1 - t->swing))) / 2;
    double phrase = PHRASE * t->score.beats;
    return lead + t->score.beat * (beat + t->rubato * (1 - cos(2 * M_PI * beat / phrase)));
}

static void strike(tune *t, ap_rng *rng, double eighth, double eighths, double pedal_up, int pitch,
                   double velocity)
{
    const double sloppiness = 0.005, unevenness = 0.05, detached = 0.92;
    double late = fmin(2, fabs(ap_rng_normal(rng))) * sloppiness;
    double end = time_of(t, eighth + eighths * detached);
    if (t->left->pedal) end = fmax(end, time_of(t, pedal_up));
    t->score.notes = ap_reallocate(t->score.notes, t->score.count + 1, sizeof *t->score.notes);
    t->score.notes[t->score.count++] =
        (piano_note){.time = time_of(t, eighth) + late,
                     .release = end + late,
                     .pitch = pitch,
                     .velocity = fmax(0.1, fmin(1, velocity * (1 + unevenness * ap_rng_normal(rng))))};
}

/* Rising towards the third bar of a phrase, falling to its end. */
static double swell(const tune *t, int64_t bar, int eighth)
{
    double at = ((double)(bar % PHRASE) + (double)eighth / t->eighths) / PHRASE;
    return 0.5 + 0.22 * sin(M_PI * pow(at, 1.3)) + (eighth == 0 ? 0.07 : eighth % 2 == 0 ? 0.03 : 0);
}

/* ---------------------------------------------------------------- the hands */

static void play_left(tune *t, ap_rng *rng, int64_t bar)
{
    const double softer = 0.8;
    int step = t->progression[bar % PHRASE], root = root_of(t, step), tones[TONES];
    double start = (double)bar * t->eighths, end = start + t->eighths;
    const char *pattern = t->left->bar;
    chord(t, step, tones);
    for (int e = 0; e < t->eighths; e++) {
        if (pattern[e] == '.') continue;
        int held = 1;
        while (e + held < t->eighths && pattern[e + held] == '.') held++;
        double velocity = softer * swell(t, bar, e);
        bool bass = pattern[e] == 'b';
        if (bass || pattern[e] == 'c') {
            if (bass) strike(t, rng, start + e, held, end, root, velocity);
            int low =
                root + OCTAVE > 62 ? 0 : OCTAVE; /* chords are played around the middle of the keyboard */
            for (int k = bass && low == 0; k < TONES; k++)
                strike(t, rng, start + e, held, end, root + low + tones[k], velocity * 0.85);
        } else {
            const int above[] = {
                ['0'] = tones[1] + OCTAVE, ['1'] = 0, ['3'] = tones[1], ['5'] = tones[2], ['8'] = OCTAVE};
            strike(t, rng, start + e, held, end, root + above[(int)pattern[e]], velocity);
        }
    }
}

/* The range of the melody, as MIDI pitches: a hand's reach below the middle C to two octaves above it. */
#define MELODY_LOW 57
#define MELODY_HIGH 84

/* Reflects a step beyond the melody's range back into it. */
static int turn_back(const tune *t, int step)
{
    int low = 0, high = 0;
    while (pitch_of_step(t, low) > MELODY_LOW) low--;
    while (pitch_of_step(t, low) < MELODY_LOW) low++;
    while (pitch_of_step(t, high + 1) <= MELODY_HIGH) high++;
    return step < low ? 2 * low - step : step > high ? 2 * high - step : step;
}

/* Plays a motif starting near `from`; returns the step on which it ends. */
static int play_right(tune *t, ap_rng *rng, int64_t bar, const motif *m, int from)
{
    int chord_step = t->progression[bar % PHRASE], step = from, note = 0;
    double start = (double)bar * t->eighths;
    for (int e = 0; e < t->eighths; e++) {
        if (m->rhythm[e] != 'x') continue;
        int held = 1;
        while (e + held < t->eighths && m->rhythm[e + held] == '-') held++;
        step = turn_back(t, step + m->steps[note++]);
        if (e % 4 == 0 || held > 2) step = settle(chord_step, step);
        double velocity = 1.12 * swell(t, bar, e), end = start + t->eighths;
        int pitch = pitch_of_step(t, step);
        if (t->score.minor && chord_step == 4 && ((step % SCALE) + SCALE) % SCALE == SCALE - 1)
            pitch++; /* the leading note, as in the chord below it */
        strike(t, rng, start + e, held, end, pitch, velocity);
        if (held > 1 && chance(rng, t->third_below))
            strike(t, rng, start + e, held, end, pitch_of_step(t, settle(chord_step, step - 2)),
                   velocity * 0.75);
    }
    return step;
}

/* Mostly small steps. After a leap the motif moves back. */
static motif draw_motif(ap_rng *rng, const char *rhythm)
{
    static const int moves[] = {-2, -1, -1, -1, 0, 1, 1, 1, 2};
    motif m = {.rhythm = rhythm};
    for (int k = 1; k < EIGHTHS_MAX; k++) {
        bool leapt = abs(m.steps[k - 1]) > 2;
        m.steps[k] = leapt ? (m.steps[k - 1] > 0 ? -1 : 1) : PICK(rng, moves);
        if (!leapt && chance(rng, 0.08)) m.steps[k] = chance(rng, 0.5) ? 3 : -3;
    }
    return m;
}

/* A variant of the motif: mirrored, or with one or two notes changed. */
static motif answer(ap_rng *rng, motif m)
{
    bool mirrored = chance(rng, 0.3);
    for (int k = 1; k < EIGHTHS_MAX; k++) {
        if (mirrored) m.steps[k] = -m.steps[k];
        if (chance(rng, 0.2)) m.steps[k] += chance(rng, 0.5) ? 1 : -1;
    }
    return m;
}

/* A phrase is a motif, the motif again, a second motif and a cadence. The next phrase varies the first
 * motif. */
static void play_phrases(tune *t, ap_rng *rng, int64_t bars)
{
    bool four = t->eighths == 8;
    motif first = draw_motif(rng, four ? PICK(rng, rhythms_4) : PICK(rng, rhythms_3));
    motif second = draw_motif(rng, four ? PICK(rng, rhythms_4) : PICK(rng, rhythms_3));
    int home = turn_back(t, (int)ap_rng_below(rng, 5) + (t->score.tonic < 0 ? 4 : 1)), step = home;
    for (int64_t bar = 0; bar < bars; bar++) {
        int place = (int)(bar % PHRASE);
        motif now = place == 2 ? second : place == 1 ? answer(rng, first) : first;
        if (place == 0 && bar > 0) first = now = answer(rng, first);
        if (place == PHRASE - 1) now = draw_motif(rng, four ? PICK(rng, cadences_4) : PICK(rng, cadences_3));
        if (place == 0) step = home;
        step = play_right(t, rng, bar, &now, settle(t->progression[place], step));
    }
}

piano_score ap_synth_tune(ap_rng *rng, double seconds)
{
    tune t = {.left = left_hands + ap_rng_below(rng, LEFT_HANDS)};
    t.score.tonic = (int)ap_rng_below(rng, OCTAVE) - OCTAVE / 2;
    t.score.minor = chance(rng, 0.45);
    t.score.beats = t.left->beats;
    t.score.beat = 60 / ap_synth_between(rng, t.left->slowest, t.left->fastest);
    t.scale = scales[t.score.minor];
    t.progression = progressions[t.score.minor][ap_rng_below(rng, 8)];
    t.eighths = 2 * t.score.beats;
    t.bass = 36 + (int)ap_rng_below(rng, 5);
    t.third_below = ap_synth_between(rng, 0, 0.5);
    t.rubato = t.left->pedal ? ap_synth_between(rng, 0, 0.12) : 0;
    t.swing = t.left->pedal ? 0.5 : chance(rng, 0.3) ? ap_synth_between(rng, 0.55, 0.64) : 0.5;
    int64_t bars = (int64_t)(seconds / (t.score.beat * t.score.beats)) + 1;
    for (int64_t bar = 0; bar < bars; bar++) play_left(&t, rng, bar);
    play_phrases(&t, rng, bars);
    return t.score;
}

void ap_synth_tune_free(piano_score *score)
{
    free(score->notes);
    *score = (piano_score){.notes = NULL};
}
