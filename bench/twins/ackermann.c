/* ackermann: the C twin of programs/ackermann.tal. Same algorithm, same widths, same output.
 * The arguments are volatile, and calls stay calls, as in fib.c. */

#include <stdint.h>
#include <stdio.h>

static volatile uint8_t m0 = 3, n0 = 3;
static volatile uint16_t rounds = 6000;

__attribute__((noinline)) static uint8_t ack(uint8_t m, uint8_t n)
{
	if (!m)
		return n + 1;
	if (!n)
		return ack(m - 1, 1);
	return ack(m - 1, ack(m, n - 1));
}

int main(void)
{
	uint16_t left, sum = 0;

	for (left = rounds; left; left--)
		sum += ack(m0, n0);
	printf("ackermann %u\n", sum);
	return 0;
}
