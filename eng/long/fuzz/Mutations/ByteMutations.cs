namespace MLflow.Fuzz;

/// <summary>Changes that know nothing of the form of the input.</summary>
internal static class ByteMutations
{
    public const int MaxBytes = 64 * 1024;

    private static readonly byte[] Odd = [0, 1, 0x7f, 0x80, 0xff, 0x20, (byte)'"', (byte)'{', (byte)'[', (byte)'\\', (byte)'-', (byte)'9'];

    public static byte[] Mutate(Random random, byte[] input, byte[] other)
    {
        var bytes = new List<byte>(input);
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            Once(random, bytes, other);
        }

        return [.. bytes.Take(MaxBytes)];
    }

    private static void Once(Random random, List<byte> bytes, byte[] other)
    {
        var at = random.Next(bytes.Count + 1);
        var length = Math.Min(random.Next(1, 1 << random.Next(1, 10)), bytes.Count - at);
        switch (bytes.Count == 0 ? 3 : random.Next(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = Odd[random.Next(Odd.Length)];
                break;
            case 2 when at < bytes.Count:
                bytes[at] += (byte)random.Next(-16, 17);
                break;
            case 3:
                bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 9)).Select(_ => (byte)random.Next(256)));
                break;
            case 4:
                bytes.RemoveRange(at, length);
                break;
            case 5:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 6 when other.Length > 0:
                var from = random.Next(other.Length);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(random.Next(1, 256), other.Length - from)).ToArray());
                break;
            default:
                bytes.RemoveRange(at, random.Next(4) == 0 ? bytes.Count - at : Math.Min(1, bytes.Count - at));
                break;
        }
    }
}
