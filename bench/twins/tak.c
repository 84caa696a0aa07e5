/* tak: the C twin of programs/tak.tal. Same algorithm, same widths, same output.
 * The arguments are read from volatile variables in every round, and calls stay
 * calls, as in fib.c. */

#include <stdint.h>
#include <stdio.h>

static volatile uint8_t x0 = 18, y0 = 12, z0 = 6;
static volatile uint16_t rounds = 300;

__attribute__((noinline)) static uint8_t tak(uint8_t x, uint8_t y, uint8_t z)
{
	if (!(x > y))
		return z;
	return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

int main(void)
{
	uint16_t sum = 0, left;

	for (left = rounds; left; left--)
		sum += tak(x0, y0, z0);
	printf("tak %u\n", sum);
	return 0;
}
