// How the text of a file is encoded: what was asked for, what the file is found to be in, and how
// that is to be read.
//
// Where a file is ASCII with more, it is tokenised as it stands and its fields are converted
// afterwards (decode.h), so that lines, offsets and original bytes are those of the file. Only what
// cannot be read so is converted first (transcode.h).
#ifndef PGHOST_CSV_ENCODING_H
#define PGHOST_CSV_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum EncodingKind {
  ENCODING_UTF8,    // taken as it is
  ENCODING_FIELDS,  // ASCII with more: fields are converted one by one
  ENCODING_UTF16LE, // converted to UTF-8 first, in a way that can be undone
  ENCODING_UTF16BE,
  ENCODING_STREAM, // anything else: converted to UTF-8 first; positions are those of the UTF-8
} EncodingKind;

enum { ENCODING_NAME = 40, ENCODING_NOTE = 96 };

typedef struct TextOptions {
  char encoding[ENCODING_NAME]; // "utf-8", a name that iconv knows, or "auto"
  EncodingKind kind;            // set when the source is opened
  bool exact_ascii;             // set then, too: every byte below 0x80 means what it does in ASCII
  bool fallback;                // fields that are not valid are taken for windows-1252
  bool strip_nul;               // NUL bytes are removed, not a reason to reject
  char
      stored[ENCODING_NAME]; // what the text goes into, as iconv knows it; "": holds all of Unicode
} TextOptions;

// Changes a name that iconv does not know into the one it has for it, as far as the parts are the
// same: latin-1, utf_8, utf-8-sig as Python has them, WIN1252, EUC_JP as PostgreSQL.
void encoding_common_name(char name[ENCODING_NAME]);

// Finds out what kind `options->encoding` is of, and whether text in it can be cut at the bytes
// special[0, count) (delimiter, quote, line ends). False: unknown to iconv (code "usage"), or one
// of the bytes may be part of a character (code "encoding").
bool encoding_resolve(TextOptions *options, const char *special, size_t count, Error *error);

// Whether TextOptions.fallback can have an effect in the encoding of that name: not where a file is
// converted first. True also for a name that nobody knows, and for "auto".
bool encoding_takes_fallback(const char *name);

// The byte order mark that bytes[0, len) starts with: its length, 0 for none, and in *name the
// encoding that it stands for.
size_t encoding_of_mark(const char *bytes, size_t len, const char **name);

#endif
