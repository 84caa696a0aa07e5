/* primes16: the C twin of programs/primes16.tal. Same algorithm, same widths, same output.
 * The number of rounds is volatile, and so the sieve is cleared each time. */

#include <stdint.h>
#include <stdio.h>

#define LIMIT 0x8000u

static volatile uint16_t rounds = 200;
static uint8_t sieve[LIMIT];

static void clear(void)
{
	uint16_t i;

	for (i = 0; i < LIMIT; i++)
		sieve[i] = 0;
}

static void strike(void)
{
	uint16_t i, multiple;

	for (i = 2; i <= 0xb5; i++) {
		if (sieve[i])
			continue;
		for (multiple = i * i; multiple < LIMIT; multiple += i)
			sieve[multiple] = 1;
	}
}

int main(void)
{
	uint16_t left, i, count = 0, largest = 0;

	for (left = rounds; left; left--) {
		clear();
		strike();
		/* every round's stores count, also those the next round repeats */
		__asm__ volatile("" : : : "memory");
	}
	for (i = 2; i < LIMIT; i++) {
		if (!sieve[i]) {
			largest = i;
			count++;
		}
	}
	printf("primes16 %u %u\n", count, largest);
	return 0;
}
