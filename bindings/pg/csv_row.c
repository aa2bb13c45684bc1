#include "pg/csv_row.h"

#include <stdbool.h>
#include <string.h>

// psql also quotes \., which would end the data of a COPY.
static bool needs_quotes(const char *text) {
  return !*text || text[strcspn(text, "\",\r\n")] || strcmp(text, "\\.") == 0;
}

static void write_quoted(FILE *file, const char *text) {
  putc_unlocked('"', file);
  for (; *text; text++) {
    if (*text == '"')
      putc_unlocked('"', file);
    putc_unlocked(*text, file);
  }
  putc_unlocked('"', file);
}

static void write_field(FILE *file, const PGresult *result, int row, int column, const char *null) {
  const char *text = PQgetvalue(result, row, column);
  if (PQgetisnull(result, row, column))
    fputs(null, file);
  else if (needs_quotes(text))
    write_quoted(file, text);
  else
    fwrite(text, 1, (size_t)PQgetlength(result, row, column), file);
}

void csv_row_write(FILE *file, const PGresult *result, int row, const char *null) {
  flockfile(file);
  for (int column = 0, count = PQnfields(result); column < count; column++) {
    if (column > 0)
      putc_unlocked(',', file);
    write_field(file, result, row, column, null);
  }
  putc_unlocked('\n', file);
  funlockfile(file);
}
