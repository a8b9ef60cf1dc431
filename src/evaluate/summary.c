#include "evaluate/summary.h"

/* A double holds all counts up to this exactly. */
#define COUNT_MOST 9007199254740992.0

void ap_json_add_summary(cJSON *object, ap_summary summary)
{
    ap_json_add_number(object, "mean", summary.mean);
    ap_json_add_number(object, "low", summary.low);
    ap_json_add_number(object, "high", summary.high);
    ap_json_add_number(object, "count", (double)summary.count);
}

void ap_json_add_bootstrap(cJSON *object)
{
    cJSON *bootstrap = ap_json_add(object, "bootstrap", cJSON_CreateObject());
    ap_json_add_number(bootstrap, "resamples", AP_BOOTSTRAP_RESAMPLES);
    ap_json_add_number(bootstrap, "level", AP_BOOTSTRAP_LEVEL);
}

ap_summary ap_json_get_summary(const cJSON *object)
{
    double count = ap_json_get_number(object, "count");
    return (ap_summary){.mean = ap_json_get_number(object, "mean"),
                        .low = ap_json_get_number(object, "low"),
                        .high = ap_json_get_number(object, "high"),
                        .count = count >= 0 && count <= COUNT_MOST ? (int64_t)count : 0};
}
