// A row of a result as a line of CSV.
#ifndef PGHOST_PG_CSV_ROW_H
#define PGHOST_PG_CSV_ROW_H

#include <libpq-fe.h>
#include <stdio.h>

// Writes row `row` as the server's texts, comma-separated and quoted where needed. An empty text is
// "" and NULL is `null`, unquoted. Errors are left in the file (ferror).
void csv_row_write(FILE *file, const PGresult *result, int row, const char *null);

#endif
