using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Benchmarks.Uploads;

/// <summary>What the thread that sends a form pays while its file passes: the search for boundaries, the copy of the beginning, the hash.</summary>
internal static class UploadsBenchmark
{
    private const int Rounds = 21;

    // As HttpClient copies a stream.
    private const int PieceBytes = 80 << 10;

    private static readonly byte[] Head = Encoding.UTF8.GetBytes(
        "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n");

    public static void Run()
    {
        Console.WriteLine("| file | passing it | of which SHA-256 | for each MiB |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var mebibytes in (int[])[1, 10, 25, 100])
        {
            var file = new byte[mebibytes << 20];
            new Random(1).NextBytes(file);
            var passing = Median(() => Pass(file));
            var hashing = file.Length > MultipartFilter.MaxHashedBytes ? Median(() => Hash(file.AsSpan(0, MultipartFilter.MaxHashedBytes))) : Median(() => Hash(file));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {mebibytes} MiB | {passing:f2} ms | {hashing:f2} ms | {passing / mebibytes:f2} ms |"));
        }
    }

    private static void Pass(byte[] file)
    {
        var filter = new MultipartFilter("b", BinaryBody.MaxBytes);
        filter.Pass(Head);
        for (var at = 0; at < file.Length; at += PieceBytes)
        {
            filter.Pass(file.AsSpan(at, Math.Min(PieceBytes, file.Length - at)));
        }

        filter.Pass("\r\n--b--\r\n"u8);
        if (filter.Files is not [{ SizeBytes: var size }] || size != file.Length)
        {
            throw new InvalidOperationException("The file was not seen.");
        }
    }

    private static void Hash(ReadOnlySpan<byte> file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (; !file.IsEmpty; file = file[Math.Min(PieceBytes, file.Length)..])
        {
            hash.AppendData(file[..Math.Min(PieceBytes, file.Length)]);
        }

        hash.GetHashAndReset();
    }

    private static double Median(Action action)
    {
        action();
        var times = new double[Rounds];
        for (var i = 0; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            action();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        return times[Rounds / 2];
    }
}
