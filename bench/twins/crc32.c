/* crc32: the C twin of programs/crc32.tal. Same algorithm, same widths, same output.
 * The generator's seed and the numbers of rounds are volatile. */

#include <stdint.h>
#include <stdio.h>

#define SIZE 4096

static volatile uint16_t seed = 0x1234, slow_rounds = 60, fast_rounds = 1000;
static uint8_t message[SIZE];
static uint32_t table[256];

static uint32_t bitwise(uint32_t crc, uint8_t byte)
{
	int bit;

	crc ^= byte;
	for (bit = 0; bit < 8; bit++)
		crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
	return crc;
}

static uint32_t bytewise(uint32_t crc, uint8_t byte)
{
	return crc >> 8 ^ table[(uint8_t)(crc ^ byte)];
}

static uint32_t run(uint32_t (*routine)(uint32_t, uint8_t), uint16_t rounds)
{
	uint32_t crc = 0xffffffffu;
	uint16_t i;

	for (; rounds; rounds--)
		for (i = 0; i < SIZE; i++)
			crc = routine(crc, message[i]);
	return ~crc;
}

int main(void)
{
	uint16_t i, state = seed;

	for (i = 0; i < SIZE; i++) {
		state = (uint16_t)(state * 0x6255u + 0x3619u);
		message[i] = state >> 8;
	}
	for (i = 0; i < 256; i++)
		table[i] = bitwise(0, (uint8_t)i);
	printf("crc32 %08x ", (unsigned)run(bitwise, slow_rounds));
	printf("%08x\n", (unsigned)run(bytewise, fast_rounds));
	return 0;
}
