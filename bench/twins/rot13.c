/* rot13: the C twin of programs/rot13.tal. Same algorithm, same output.
 * One byte in and one byte out through stdio, which buffers. */

#include <stdint.h>
#include <stdio.h>

int main(void)
{
	int byte;
	uint8_t letter;

	while ((byte = getchar()) != EOF) {
		letter = (uint8_t)((byte | 0x20) - 'a');
		if (letter < 26)
			byte += letter < 13 ? 13 : -13;
		putchar(byte);
	}
	return 0;
}
