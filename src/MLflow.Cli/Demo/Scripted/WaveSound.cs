using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>Sound as OpenAI sends it in its formats pcm and wav: 24 kHz, 16 bits, one channel. A text is not spoken: each of its pieces is a short tone.</summary>
internal static class WaveSound
{
    private const int SamplesPerSecond = 24_000;
    private const int BytesPerSecond = SamplesPerSecond * sizeof(short);
    private const int HeaderLength = 44;

    private static readonly TimeSpan Tone = TimeSpan.FromMilliseconds(60);

    public static byte[] ToPcm(IReadOnlyList<string> pieces, string voice, double speed)
    {
        var length = (int)(Tone.TotalSeconds * SamplesPerSecond / speed);
        var sound = new byte[pieces.Count * length * sizeof(short)];
        for (var i = 0; i < pieces.Count; i++)
        {
            var pitch = 220 + (440.0 * SHA256.HashData(Encoding.UTF8.GetBytes(voice + pieces[i]))[0] / byte.MaxValue);
            WriteTone(sound.AsSpan(i * length * sizeof(short), length * sizeof(short)), pitch);
        }

        return sound;
    }

    public static byte[] ToWav(ReadOnlySpan<byte> pcm)
    {
        var wav = new byte[HeaderLength + pcm.Length];
        var header = wav.AsSpan();
        "RIFF"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], wav.Length - 8);
        "WAVEfmt "u8.CopyTo(header[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], 16);
        BinaryPrimitives.WriteInt16LittleEndian(header[20..], 1); // PCM.
        BinaryPrimitives.WriteInt16LittleEndian(header[22..], 1); // One channel.
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], SamplesPerSecond);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], BytesPerSecond);
        BinaryPrimitives.WriteInt16LittleEndian(header[32..], sizeof(short));
        BinaryPrimitives.WriteInt16LittleEndian(header[34..], 8 * sizeof(short));
        "data"u8.CopyTo(header[36..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[40..], pcm.Length);
        pcm.CopyTo(header[HeaderLength..]);
        return wav;
    }

    /// <summary>How long a WAV file plays; null for what is none.</summary>
    public static TimeSpan? Duration(ReadOnlySpan<byte> file)
    {
        if (file.Length < 12 || !file.StartsWith("RIFF"u8) || !file[8..].StartsWith("WAVE"u8))
        {
            return null;
        }

        var bytesPerSecond = 0u;
        for (var rest = file[12..]; rest.Length >= 8;)
        {
            var size = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            var content = rest[8..];
            if (rest.StartsWith("fmt "u8) && content.Length >= 12)
            {
                bytesPerSecond = BinaryPrimitives.ReadUInt32LittleEndian(content[8..]);
            }

            // A file that was streamed says more than it has.
            var held = (int)Math.Min(size, (uint)content.Length);
            if (rest.StartsWith("data"u8))
            {
                return bytesPerSecond == 0 ? null : TimeSpan.FromSeconds(held / (double)bytesPerSecond);
            }

            rest = content[Math.Min(held + (held & 1), content.Length)..];
        }

        return null;
    }

    private static void WriteTone(Span<byte> sound, double pitch)
    {
        var samples = sound.Length / sizeof(short);
        for (var i = 0; i < samples; i++)
        {
            // It swells and fades, so that nothing clicks.
            var loudness = 0.3 * Math.Sin(Math.PI * i / samples);
            var value = loudness * Math.Sin(2 * Math.PI * pitch * i / SamplesPerSecond);
            BinaryPrimitives.WriteInt16LittleEndian(sound[(i * sizeof(short))..], (short)(value * short.MaxValue));
        }
    }
}
