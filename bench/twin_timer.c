/* Times a twin from inside its process: main() of the twin, compiled as twin_main(), and writing
 * out what it printed. The nanoseconds go to standard error. */

#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>

int twin_main(void);

int main(void)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	twin_main();
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &end);
	fprintf(stderr, "%.0f\n", (end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec));
	return 0;
}
