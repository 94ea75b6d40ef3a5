using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>
/// A vector of length one for a text: each of its pieces has a direction of its own, and the text goes where they go together. The same text has
/// always the same vector, and texts that share words are near each other.
/// </summary>
internal static class TextVector
{
    public static float[] Of(IEnumerable<string> pieces, int dimensions)
    {
        var sum = new double[dimensions];
        foreach (var (piece, count) in pieces.CountBy(piece => piece.Trim().ToLowerInvariant(), StringComparer.Ordinal))
        {
            Add(sum, piece, count);
        }

        var length = Math.Sqrt(sum.Sum(value => value * value));
        return [.. sum.Select(value => (float)(length > 0 ? value / length : 0))];
    }

    /// <summary>The vector as OpenAI sends it on request: little-endian floats in base64.</summary>
    public static string ToBase64(ReadOnlySpan<float> vector)
    {
        var bytes = new byte[vector.Length * sizeof(float)];
        for (var i = 0; i < vector.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector[i]);
        }

        return Convert.ToBase64String(bytes);
    }

    private static void Add(double[] sum, string piece, int weight)
    {
        var state = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(piece)));
        for (var i = 0; i < sum.Length; i++)
        {
            // SplitMix64.
            state += 0x9E3779B97F4A7C15;
            var bits = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
            bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
            sum[i] += weight * (((bits ^ (bits >> 31)) / (double)ulong.MaxValue) - 0.5);
        }
    }
}
