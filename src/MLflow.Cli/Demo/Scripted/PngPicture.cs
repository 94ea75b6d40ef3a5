using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>A picture in PNG (RFC 2083): a disc above bands, in colours that the prompt decides. Flat shapes, so that it is small at its full size.</summary>
internal static class PngPicture
{
    private const int Bands = 6;

    // The palette: the bands, then the disc.
    private const byte Disc = Bands;

    public static byte[] Draw(string prompt, int variant, int width, int height)
    {
        var seed = SHA256.HashData(Encoding.UTF8.GetBytes($"{variant}:{prompt}"));
        using var png = new MemoryStream();
        png.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        WriteChunk(png, "IHDR"u8, Header(width, height));
        WriteChunk(png, "PLTE"u8, seed.AsSpan(0, (Bands + 1) * 3));
        WriteChunk(png, "IDAT"u8, Pixels(width, height, seed[30], seed[31]));
        WriteChunk(png, "IEND"u8, []);
        return png.ToArray();
    }

    private static byte[] Header(int width, int height)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8; // Bits of a pixel.
        header[9] = 3; // Each is a place in the palette.
        return header;
    }

    private static byte[] Pixels(int width, int height, byte across, byte down)
    {
        var radius = Math.Min(width, height) / 5;
        var centerX = radius + (across * (width - (2 * radius)) / 255);
        var centerY = radius + (down * (height - (2 * radius)) / 255);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            var line = new byte[width + 1]; // The first byte names the line's filter: none.
            for (var y = 0; y < height; y++)
            {
                line.AsSpan(1).Fill((byte)(y * Bands / height));
                var rest = (radius * radius) - ((y - centerY) * (y - centerY));
                if (rest >= 0)
                {
                    var half = (int)Math.Sqrt(rest);
                    line.AsSpan(1 + centerX - half, 2 * half).Fill(Disc);
                }

                zlib.Write(line);
            }
        }

        return packed.ToArray();
    }

    private static void WriteChunk(Stream png, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        png.Write(number);
        png.Write(type);
        png.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Checksum(type, data));
        png.Write(number);
    }

    /// <summary>CRC-32 of both, bit by bit: the data are a few kilobytes.</summary>
    private static uint Checksum(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data) => ~Add(Add(uint.MaxValue, type), data);

    private static uint Add(uint checksum, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            checksum ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                checksum = (checksum & 1) != 0 ? (checksum >> 1) ^ 0xEDB88320 : checksum >> 1;
            }
        }

        return checksum;
    }
}
