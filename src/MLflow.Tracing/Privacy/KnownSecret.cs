using System.Text;

namespace MLflow;

/// <summary>The value of a secret that the program fetched or stored through this SDK. Never printed.</summary>
internal sealed class KnownSecret
{
    /// <summary>A shorter value stands in too many texts by chance.</summary>
    private const int LeastLength = 4;

    /// <summary>Of a value of several lines each is looked for that is at least as long.</summary>
    private const int LeastLine = 16;

    /// <summary>A shorter value is not looked for in base64.</summary>
    private const int LeastEncoded = 8;

    private static readonly byte[] Blanks = [(byte)' ', (byte)'\t', (byte)'\r', (byte)'\n'];

    private readonly byte[] _value;

    public KnownSecret(ReadOnlySpan<byte> value)
    {
        _value = value.ToArray();
        Needles = [.. Texts(_value).Select(text => new SecretNeedle(text))];
    }

    public ReadOnlySpan<byte> Value => _value;

    /// <summary>What is looked for. Empty where the value is too short for that.</summary>
    public SecretNeedle[] Needles { get; }

    /// <summary>Bytes that it takes.</summary>
    public long Size => _value.Length + Needles.Sum(needle => (long)needle.Length);

    public override string ToString() => SecretScrubber.Mark;

    private static IEnumerable<byte[]> Texts(byte[] value)
    {
        // Programs trim: a value that was stored by a shell often has a line feed at its end.
        var text = value.AsSpan().Trim(Blanks).ToArray();
        if (text.Length < LeastLength)
        {
            yield break;
        }

        yield return text;
        if (text.AsSpan().Contains((byte)'\n'))
        {
            foreach (var line in Encoding.Latin1.GetString(text).Split('\n', StringSplitOptions.TrimEntries).Where(line => line.Length >= LeastLine).Distinct())
            {
                yield return Encoding.Latin1.GetBytes(line);
            }
        }

        if (text.Length < LeastEncoded)
        {
            yield break;
        }

        // As the API writes it, and as it stands in credentials of the form user:password.
        for (var before = 0; before < 3; before++)
        {
            // Characters at both ends depend on what stands beside it.
            byte[] padded = [.. new byte[before], .. text];
            var encoded = Convert.ToBase64String(padded)[((before * 8 + 5) / 6)..(padded.Length * 8 / 6)];
            yield return Encoding.ASCII.GetBytes(encoded);
            if (encoded.AsSpan().ContainsAny('+', '/'))
            {
                yield return Encoding.ASCII.GetBytes(encoded.Replace('+', '-').Replace('/', '_'));
            }
        }
    }
}
