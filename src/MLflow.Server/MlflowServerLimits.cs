namespace MLflow.Server;

/// <summary>What a server takes of one client at most, so that nobody can use up its memory, its threads or its time. An error that a limit causes names it.</summary>
public sealed class MlflowServerLimits
{
    /// <summary>Bytes of a request's body as sent, but for files of artifacts (5 GiB). Default 64 MiB.</summary>
    public int MaxBodyBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Bytes of a body in OTLP after decompression: a small body can unfold into a very large one. Default 128 MiB.</summary>
    public int MaxDecompressedBytes { get; set; } = 128 * 1024 * 1024;

    /// <summary>Bytes of all OTLP requests that are being read or stored; who comes on top of them is told to come again. Default 512 MiB.</summary>
    public long MaxBytesInWork { get; set; } = 512 * 1024 * 1024;

    /// <summary>Bytes of a call of the REST API in JSON. Default 16 MiB.</summary>
    public int MaxJsonBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Spans or log records in one request. Default 100,000.</summary>
    public int MaxSpansPerRequest { get; set; } = 100_000;

    /// <summary>Attributes of one span, of one of its events or links, or of a resource; a span with more is refused alone. Default 10,000.</summary>
    public int MaxAttributesPerSpan { get; set; } = 10_000;

    /// <summary>Events of one span, and links of one span; each chunk of a streamed answer is an event. Default 200,000.</summary>
    public int MaxEventsPerSpan { get; set; } = 200_000;

    /// <summary>Ids of traces in one call. Default 10,000.</summary>
    public int MaxIdsPerRequest { get; set; } = 10_000;

    /// <summary>Connections at one time, on each port. Default 10,000.</summary>
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>How long a client may take to send the headers of a request. Default 30 seconds.</summary>
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes in a second that a client must send of a body, and take of an answer, after a grace of 5 seconds; 0 for no such rule. Default 240.</summary>
    public int MinBytesPerSecond { get; set; } = 240;

    /// <summary>Adds a sentence for each limit that is none.</summary>
    internal void Check(List<string> mistakes)
    {
        const int MaxBytes = 1024 * 1024 * 1024;
        Require("--max-body-bytes", MaxBodyBytes, 1024, MaxBytes);
        Require("--max-decompressed-bytes", MaxDecompressedBytes, 1024, MaxBytes);
        Require("--max-bytes-in-work", MaxBytesInWork, 1024, long.MaxValue);
        Require("--max-json-bytes", MaxJsonBytes, 1024, MaxBytes);
        Require("--max-spans-per-request", MaxSpansPerRequest, 1, 10_000_000);
        Require("--max-attributes-per-span", MaxAttributesPerSpan, 1, 1_000_000);
        Require("--max-events-per-span", MaxEventsPerSpan, 1, 10_000_000);
        Require("--max-ids-per-request", MaxIdsPerRequest, 1, 1_000_000);
        Require("--max-connections", MaxConnections, 1, int.MaxValue);
        Require("--headers-timeout", HeadersTimeout.TotalSeconds, 0.1, 3600);
        Require("--min-bytes-per-second", MinBytesPerSecond, 0, MaxBytes);

        void Require(string setting, double value, double least, double most)
        {
            if (!(value >= least && value <= most))
            {
                mistakes.Add(FormattableString.Invariant($"{setting} {value} is out of range: it must be {least} to {most}."));
            }
        }
    }
}
