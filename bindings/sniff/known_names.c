// Common names of columns.
#include "sniff/known_names.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = 48 }; // of the text

static bool joins(char c) {
  return c == 0 || strchr("_.#", c) || isdigit((unsigned char)c);
}

SniffKnown sniff_known_name(const char *name, size_t len) {
  static const char *const known[] = {
      "id",      "name",        "date",   "time",  "type",    "code",    "value",  "title",
      "city",    "status",      "email",  "phone", "country", "address", "amount", "price",
      "key",     "description", "first",  "last",  "user",    "state",   "year",   "month",
      "comment", "category",    "label",  "nom",   "datum",   "wert",    "ort",    "nachname",
      "vorname", "fecha",       "nombre", "ville"};
  SniffKnown found = SNIFF_KNOWN_NOT;
  char lower[MOST + 1] = {0};
  for (size_t i = 0; i < len && i < MOST; i++)
    lower[i] = (char)tolower((unsigned char)name[i]);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const char *at = strstr(lower, known[i]);
    size_t size = strlen(known[i]);
    char before = at && at > lower ? at[-1] : 0;
    if (!at || isalpha((unsigned char)before) || isalpha((unsigned char)at[size]))
      continue;
    SniffKnown now = joins(before) && joins(at[size]) ? SNIFF_KNOWN_NAME : SNIFF_KNOWN_WORD;
    found = now > found ? now : found;
  }
  return found;
}
