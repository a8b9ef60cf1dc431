#include "report/report.h"

#include <math.h>

double ap_report_place(const run_record *run, double step)
{
    return run->history.steps_per_epoch > 0 ? step / run->history.steps_per_epoch : step;
}

const char *ap_report_place_name(const run_record *run)
{
    return run->history.steps_per_epoch > 0 ? "epoch" : "step";
}

double ap_report_setting(const run_record *run, const char *section, const char *key)
{
    const cJSON *item =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(run->config, section), key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

void ap_report_missing(page *p, const ap_status *status)
{
    ap_page_put(p, "<p class=\"missing\">");
    ap_page_text(p, status->message);
    ap_page_put(p, "</p>\n");
}

const char *ap_report_follows(double r)
{
    static const struct {
        double least;
        const char *words, *against;
    } levels[] = {{0.9, "a copy", "its mirror image"},
                  {0.63, "yes", "the opposite"},
                  {0.4, "somewhat", "rather the opposite"}};
    for (size_t k = 0; k < sizeof levels / sizeof *levels; k++)
        if (fabs(r) >= levels[k].least) return r > 0 ? levels[k].words : levels[k].against;
    return "no";
}
