/* Memory that is not to be had ends the program with one line. */
#ifndef ANTIPHON_CLI_HEAP_H
#define ANTIPHON_CLI_HEAP_H

/* From now on ap_fatal's handler says so, and tidies up. */
void heap_main_begins(void);

#endif
