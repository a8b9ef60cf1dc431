/* antiphon help --bash: the completion for bash, made from the tables that --help prints.
 *
 * The words that can stand in a place form a list. These words are not literal:
 *     @dir        a folder
 *     @file       any file
 *     @file.EXT   a file with that extension, or any file if there is none
 *     @key        a key of the configuration
 * The script asks generated functions for the list and turns it into what bash offers. */
#include "cli/verbs.h"

#include "base/text.h"
#include "config/table.h"

#include <ctype.h>
#include <string.h>

static bool is_lower(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!islower((unsigned char)word[i])) return false;
    return length > 0;
}

/* One alternative of a placeholder: "DIR", "CONFIG.json", "auto". Numbers and names ("N") have no
 * completion. */
static void write_alternative(FILE *out, const char *word, size_t length)
{
    const char *dot = memchr(word, '.', length);
    size_t extension = dot ? (size_t)(word + length - dot) : 0;
    if (strncmp(word, "SECTION.KEY", length) == 0 && dot)
        fputs(" @key", out);
    else if (dot && is_lower(dot + 1, extension - 1))
        fprintf(out, " @file%.*s", (int)extension, dot);
    else if (ap_text_ends_in(word, length, "DIR"))
        fputs(" @dir", out);
    else if (ap_text_ends_in(word, length, "FILE"))
        fputs(" @file", out);
    else if (is_lower(word, length))
        fprintf(out, " %.*s", (int)length, word);
}

/* "auto|FILE" */
static void write_placeholder(FILE *out, const char *text, size_t length)
{
    for (const char *end = text + length; text < end;) {
        const char *bar = memchr(text, '|', (size_t)(end - text));
        size_t part = (size_t)((bar ? bar : end) - text);
        write_alternative(out, text, part);
        text += part + 1;
    }
}

/* The name with '-' for '_', as the script asks for it. */
static void write_dashed(FILE *out, const char *name)
{
    for (; *name; name++) fputc(*name == '_' ? '-' : *name, out);
}

static void write_option_names(FILE *out, const verb *v)
{
    bool overrides = false;
    fprintf(out, "        %s) echo '--%s", v->name, option_help.name);
    for (const verb_option *o = v->options; o->name; o++) {
        if (o->kind == OPTION_OVERRIDES)
            overrides = true;
        else
            fprintf(out, " --%s", o->name);
    }
    fprintf(out, "%s' ;;\n", overrides ? " @override" : "");
}

static void write_flags(FILE *out, const verb *v)
{
    fprintf(out, "        %s) echo '--%s", v->name, option_help.name);
    for (const verb_option *o = v->options; o->name; o++) {
        if (o->kind != OPTION_FLAG) continue;
        fputs(" --", out);
        write_dashed(out, o->name);
    }
    fputs("' ;;\n", out);
}

static void write_option_values(FILE *out, const verb *v)
{
    for (const verb_option *o = v->options; o->name; o++) {
        if (o->kind == OPTION_OVERRIDES || o->kind == OPTION_FLAG) continue;
        fprintf(out, "        %s:--", v->name);
        write_dashed(out, o->name);
        fputs(") echo '", out);
        write_placeholder(out, o->placeholder, strlen(o->placeholder));
        fputs("' ;;\n", out);
    }
}

/* The words of the usage that are neither an option nor an option's value: one line each, in order. */
static void write_arguments(FILE *out, const verb *v)
{
    static const char brackets[] = "[]() ";
    const char *text = v->arguments;
    bool value = false;
    size_t found = 0;
    for (; *(text += strspn(text, brackets)) && found < v->most_arguments; text += strcspn(text, brackets)) {
        size_t length = strcspn(text, brackets);
        bool option = strncmp(text, "--", 2) == 0;
        if (!option && !value) {
            fprintf(out, "        %s:%zu) echo '", v->name, found++);
            write_placeholder(out, text, length);
            fputs("' ;;\n", out);
        }
        value = option && !memchr(text, '=', length) && text[length] == ' ';
    }
}

static void write_key_value(FILE *out, const config_key *key)
{
    if (key->type != TYPE_BOOL && key->type != TYPE_TEXT && key->type != TYPE_CHOICE) return;
    fprintf(out, "        *:--%s) echo '", key->name);
    if (key->type == TYPE_BOOL) fputs("true false", out);
    if (key->type == TYPE_TEXT) fputs("@file", out);
    for (int k = 0; key->type == TYPE_CHOICE && key->choices[k]; k++) fprintf(out, " %s", key->choices[k]);
    fputs("' ;;\n", out);
}

/* A shell function that prints what `write_cases` gives for the verb in its first argument. */
static void begin_function(FILE *out, const char *name, void (*write_cases)(FILE *out, const verb *v))
{
    fprintf(out, "_antiphon_%s() {\n    case $1 in\n", name);
    for (const verb *const *v = verbs; *v; v++) write_cases(out, *v);
}

static void end_function(FILE *out)
{
    fputs("    esac\n}\n\n", out);
}

static void write_names(FILE *out)
{
    fputs("_antiphon_verbs='", out);
    for (const verb *const *v = verbs; *v; v++) fprintf(out, "%s%s", v == verbs ? "" : " ", (*v)->name);
    fputs("'\n_antiphon_sections='", out);
    for (size_t i = 0; i < ap_config_key_count; i++)
        if (ap_config_section_begins(i))
            fprintf(out, "%s--%.*s.", i ? " " : "", ap_config_section_length(&ap_config_keys[i]),
                    ap_config_keys[i].name);
    fputs("'\n_antiphon_keys='", out);
    for (size_t i = 0; i < ap_config_key_count; i++)
        fprintf(out, "%s%s", i ? "\n" : "", ap_config_keys[i].name);
    fputs("'\n\n", out);
}

/* The part that does not depend on the tables. */
static const char script[] =
    "# _antiphon_offer CURRENT WORDS: sets COMPREPLY to those of the words that CURRENT can become.\n"
    "_antiphon_offer() {\n"
    "    local current=$1 word found\n"
    "    COMPREPLY=()\n"
    "    for word in $2; do\n"
    "        found=()\n"
    "        case $word in\n"
    "        @dir)\n"
    "            # among files there are the folders already\n"
    "            [[ $2 == *@file* ]] || mapfile -t found < <(compgen -d -- \"$current\")\n"
    "            ;;\n"
    "        @file) mapfile -t found < <(compgen -f -- \"$current\") ;;\n"
    "        @file.*)\n"
    "            mapfile -t found < <(compgen -f -X \"!*${word#@file}\" -- \"$current\"; compgen -d -- "
    "\"$current\")\n"
    "            ((${#found[@]})) || mapfile -t found < <(compgen -f -- \"$current\")\n"
    "            ;;\n"
    "        @key) mapfile -t found < <(compgen -W \"$_antiphon_keys\" -- \"$current\") ;;\n"
    "        @override)\n"
    "            # the sections first, then the keys of the one that is begun\n"
    "            if [[ $current == --*.* ]]; then\n"
    "                mapfile -t found < <(compgen -P -- -S = -W \"$_antiphon_keys\" -- \"${current#--}\")\n"
    "            else\n"
    "                mapfile -t found < <(compgen -W \"$_antiphon_sections\" -- \"$current\")\n"
    "            fi\n"
    "            ((${#found[@]} == 0)) || compopt -o nospace 2>/dev/null\n"
    "            ;;\n"
    "        *) mapfile -t found < <(compgen -W \"$word\" -- \"$current\") ;;\n"
    "        esac\n"
    "        case $word in @dir | @file*) compopt -o filenames 2>/dev/null ;; esac\n"
    "        COMPREPLY+=(\"${found[@]}\")\n"
    "    done\n"
    "}\n"
    "\n"
    "# The name of an option as the functions above spell it: in a verb's own options '_' is '-'.\n"
    "_antiphon_name() {\n"
    "    local name=${1%%=*}\n"
    "    [[ $name == *.* ]] || name=${name//_/-}\n"
    "    echo \"$name\"\n"
    "}\n"
    "\n"
    "_antiphon_is_flag() {\n"
    "    [[ $2 != *.* && \" $(_antiphon_flags \"$1\") \" == *\" $(_antiphon_name \"$2\") \"* ]]\n"
    "}\n"
    "\n"
    "_antiphon() {\n"
    "    # bash splits words at '=': they are put together again\n"
    "    local words=() word before='' current verb k count=0\n"
    "    for word in \"${COMP_WORDS[@]:0:COMP_CWORD+1}\"; do\n"
    "        if ((${#words[@]})) && [[ $word == = || $before == = ]]; then\n"
    "            words[-1]+=$word\n"
    "        else\n"
    "            words+=(\"$word\")\n"
    "        fi\n"
    "        before=$word\n"
    "    done\n"
    "    current=${words[-1]} verb=${words[1]}\n"
    "    if ((${#words[@]} == 2)); then\n"
    "        _antiphon_offer \"$current\" \"$_antiphon_verbs help --help --version\"\n"
    "        return\n"
    "    fi\n"
    "    if [[ $verb == help ]]; then\n"
    "        _antiphon_offer \"$current\" \"$_antiphon_verbs\"\n"
    "        return\n"
    "    fi\n"
    "    # an option's value, behind '=' or as the next word; otherwise options, or arguments by their "
    "number\n"
    "    if [[ $current == --*=* ]]; then\n"
    "        _antiphon_offer \"${current#*=}\" \"$(_antiphon_values \"$verb:$(_antiphon_name "
    "\"$current\")\")\"\n"
    "        return\n"
    "    fi\n"
    "    for ((k = 2; k < ${#words[@]} - 1; k++)); do\n"
    "        if [[ ${words[k]} != --* ]]; then\n"
    "            ((count += 1))\n"
    "        elif [[ ${words[k]} != *=* ]] && ! _antiphon_is_flag \"$verb\" \"${words[k]}\"; then\n"
    "            ((k += 1))\n"
    "        fi\n"
    "    done\n"
    "    if ((k == ${#words[@]})); then\n"
    "        _antiphon_offer \"$current\" \"$(_antiphon_values \"$verb:$(_antiphon_name "
    "\"${words[-2]}\")\")\"\n"
    "    elif [[ $current == -* ]]; then\n"
    "        _antiphon_offer \"$current\" \"$(_antiphon_options \"$verb\")\"\n"
    "    else\n"
    "        _antiphon_offer \"$current\" \"$(_antiphon_arguments \"$verb:$count\")\"\n"
    "    fi\n"
    "}\n"
    "complete -F _antiphon antiphon\n";

void completion_print(FILE *out)
{
    fputs("# bash completion for antiphon; antiphon help --bash prints it\n\n", out);
    write_names(out);
    begin_function(out, "options", write_option_names);
    end_function(out);
    begin_function(out, "flags", write_flags);
    end_function(out);
    begin_function(out, "values", write_option_values);
    for (size_t i = 0; i < ap_config_key_count; i++) write_key_value(out, &ap_config_keys[i]);
    end_function(out);
    begin_function(out, "arguments", write_arguments);
    end_function(out);
    fputs(script, out);
}
