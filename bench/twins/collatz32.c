/* collatz32: the C twin of programs/collatz32.tal. Same algorithm, same widths, same output.
 * The limit is volatile. */

#include <stdint.h>
#include <stdio.h>

static volatile uint16_t most = 60000;

static uint16_t steps(uint32_t number)
{
	uint16_t count = 0;

	while (number != 1) {
		number = number & 1 ? number * 3 + 1 : number >> 1;
		count++;
	}
	return count;
}

int main(void)
{
	uint16_t start, length, best_start = 0, best_length = 0;

	for (start = 1; start != most; start++) {
		length = steps(start);
		if (length > best_length) {
			best_start = start;
			best_length = length;
		}
	}
	printf("collatz32 %u %u\n", best_start, best_length);
	return 0;
}
