#include "audio/matching.h"

#include "audio/listing.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pairs shown in an error message. */
#define SHOWN 3

/* ---------------------------------------------------------------- what is compared */

static ap_names stems_of(const ap_names *names)
{
    ap_names stems = {NULL, 0};
    for (size_t k = 0; k < names->count; k++) {
        char *stem = ap_copy_text(names->at[k]);
        stem[ap_stem_length(stem)] = '\0';
        ap_names_add(&stems, stem);
        free(stem);
    }
    return stems;
}

/* Names without their folders. One that its side has twice keeps its folder, as it would not tell which is
 * meant. */
static ap_names base_names_of(const ap_names *stems)
{
    ap_names names = {NULL, 0};
    for (size_t k = 0; k < stems->count; k++) {
        const char *base = ap_text_file_name(stems->at[k]);
        bool twice = false;
        for (size_t i = 0; i < stems->count && !twice; i++)
            twice = i != k && ap_natural_order(ap_text_file_name(stems->at[i]), base) == 0;
        ap_names_add(&names, twice ? stems->at[k] : base);
    }
    return names;
}

/* Whether a word may end before s[at], that is, whether s[at] is not within a number or a word. */
static bool is_boundary(const char *s, size_t at)
{
    if (at == 0 || !s[at]) return true;
    unsigned char before = (unsigned char)s[at - 1], after = (unsigned char)s[at];
    bool letter_before = isalpha(before) || before >= 128, letter_after = isalpha(after) || after >= 128;
    if (isdigit(before) && isdigit(after)) return false;
    return !(letter_before && letter_after) || (islower(before) && isupper(after));
}

/* The length of the common prefix of all names, up to the end of a word. */
static size_t common_beginning(const ap_names *names)
{
    size_t length = strlen(names->at[0]);
    for (size_t k = 1; k < names->count; k++)
        for (size_t i = 0; i < length; i++)
            if (names->at[k][i] != names->at[0][i]) length = i;
    for (size_t k = 0; k < names->count;)
        if (is_boundary(names->at[k], length))
            k++;
        else {
            length--;
            k = 0;
        }
    return length;
}

/* The length of the common suffix of all names, from the start of a word, beyond the first `from` bytes. */
static size_t common_end(const ap_names *names, size_t from)
{
    size_t length = strlen(names->at[0]) - from;
    for (size_t k = 1; k < names->count; k++) {
        size_t own = strlen(names->at[k]), first = strlen(names->at[0]);
        if (own - from < length) length = own - from;
        for (size_t i = 1; i <= length; i++)
            if (names->at[k][own - i] != names->at[0][first - i]) length = i - 1;
    }
    for (size_t k = 0; k < names->count;)
        if (is_boundary(names->at[k], strlen(names->at[k]) - length))
            k++;
        else {
            length--;
            k = 0;
        }
    return length;
}

/* Replaces each name by the part in which the names differ, without separators at its ends. */
static void keep_differences(ap_names *names)
{
    size_t begin = common_beginning(names), end = common_end(names, begin);
    for (size_t k = 0; k < names->count; k++) {
        char *name = names->at[k], *from = name + begin, *to = name + strlen(name) - end;
        while (from < to && ispunct((unsigned char)*from)) from++;
        while (from < to && *from == ' ') from++;
        while (from < to && (ispunct((unsigned char)to[-1]) || to[-1] == ' ')) to--;
        size_t length = (size_t)(to - from);
        memmove(name, from, length);
        name[length] = '\0';
    }
}

/* ---------------------------------------------------------------- matching */

static int exactly(const char *a, const char *b)
{
    return strcmp(a, b);
}

/* Matches inputs without a partner with the first free target of the same name; returns how many it matched.
 */
static size_t match_by(int (*compare)(const char *, const char *), const ap_names *inputs,
                       const ap_names *targets, int64_t *partner, bool *taken)
{
    size_t found = 0;
    for (size_t k = 0; k < inputs->count; k++)
        for (size_t i = 0; i < targets->count && partner[k] < 0; i++) {
            if (taken[i] || compare(inputs->at[k], targets->at[i]) != 0) continue;
            partner[k] = (int64_t)i;
            taken[i] = true;
            found++;
        }
    return found;
}

/* The same for the inputs and targets that are left, by the names as they are and then with equal numbers. */
static size_t match_names(const ap_names *inputs, const ap_names *targets, int64_t *partner)
{
    bool *taken = ap_allocate(targets->count, sizeof *taken);
    for (size_t k = 0; k < inputs->count; k++)
        if (partner[k] >= 0) taken[partner[k]] = true;
    size_t found = match_by(exactly, inputs, targets, partner, taken);
    found += match_by(ap_natural_order, inputs, targets, partner, taken);
    free(taken);
    return found;
}

static ap_status refuse(const ap_prepare_options *o, const ap_names *inputs, const ap_names *targets)
{
    char pairs[200] = "";
    size_t count = (size_t)ap_least((int64_t)inputs->count, (int64_t)targets->count), used = 0;
    for (size_t k = 0; k < count && k < SHOWN && used < sizeof pairs; k++)
        used += (size_t)snprintf(pairs + used, sizeof pairs - used, "%s%s with %s", k ? ", " : "",
                                 inputs->at[k], targets->at[k]);
    return ap_error(
        AP_FAILED,
        "%s holds %zu recordings, %s %zu, and their names do not show which belong together; sorted order "
        "would pair %s%s: give matching recordings the same name",
        o->inputs, inputs->count, o->targets, targets->count, pairs, count > SHOWN ? " ..." : "");
}

static ap_status match_by_order(const ap_prepare_options *o, const ap_names *inputs, const ap_names *targets,
                                int64_t *partner)
{
    if (inputs->count != targets->count) return refuse(o, inputs, targets);
    for (size_t k = 0; k < inputs->count; k++) partner[k] = (int64_t)k;
    return ap_ok();
}

ap_status ap_match_recordings(const ap_prepare_options *o, const ap_names *inputs, const ap_names *targets,
                              int64_t *partner, ap_prepare_match *how)
{
    ap_names a[2] = {stems_of(inputs)}, b[2] = {stems_of(targets)};
    a[1] = base_names_of(&a[0]);
    b[1] = base_names_of(&b[0]);
    size_t found = 0;
    ap_status status = ap_ok();
    for (size_t k = 0; k < inputs->count; k++) partner[k] = -1;
    for (int base = 0; base < 2; base++) found += match_names(&a[base], &b[base], partner);
    *how = AP_PREPARE_BY_NAME;
    for (int base = 0; base < 2 && !found && inputs->count > 1 && targets->count > 1; base++) {
        keep_differences(&a[base]);
        keep_differences(&b[base]);
        found = match_names(&a[base], &b[base], partner);
        *how = AP_PREPARE_BY_PART;
    }
    if (!found) {
        *how = AP_PREPARE_BY_ORDER;
        status = match_by_order(o, inputs, targets, partner);
    }
    for (int base = 0; base < 2; base++) {
        ap_names_free(&a[base]);
        ap_names_free(&b[base]);
    }
    return status;
}
