/* matmul: the C twin of programs/matmul.tal. Same algorithm, same widths, same output.
 * The generator's seed and the number of rounds are volatile. */

#include <stdint.h>
#include <stdio.h>

#define N 32

static volatile uint16_t seed = 7, rounds = 300;
static uint16_t a[N * N], b[N * N], c[N * N];

static uint16_t dot(const uint16_t *row, const uint16_t *column)
{
	uint16_t sum = 0;
	int k;

	for (k = 0; k < N; k++)
		sum += (uint16_t)((uint32_t)row[k] * column[N * k]);
	return sum;
}

static void fill(uint16_t *to, uint16_t *state)
{
	int i;

	for (i = 0; i < N * N; i++) {
		*state = (uint16_t)(*state * 0x6255u + 0x3619u);
		to[i] = *state;
	}
}

int main(void)
{
	uint16_t left, checksum = 0, state = seed;
	int i, j;

	fill(a, &state);
	fill(b, &state);
	for (left = rounds; left; left--) {
		for (i = 0; i < N; i++)
			for (j = 0; j < N; j++)
				c[N * i + j] = dot(a + N * i, b + j);
		for (i = 0; i < N * N; i++)
			a[i] = (uint16_t)((c[i] ^ c[i] >> 7) + 0x9e37u);
	}
	for (i = 0; i < N * N; i++)
		checksum = (uint16_t)(checksum << 1 | checksum >> 15) ^ c[i];
	printf("matmul %04x\n", checksum);
	return 0;
}
