using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace MLflow.Cli.Output;

/// <summary>Standard output, for programs and for people.</summary>
internal static class StandardOutput
{
    /// <summary>Text stays text, as MLflow writes it; depth as of the traces themselves.</summary>
    public static readonly JsonWriterOptions Indented = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true, MaxDepth = AnyValueReader.MaxDepth };

    /// <summary>Where results go. Unlike the console's own stream it fails where nobody reads any more, so that a long command ends with <c>| head</c>.</summary>
    public static Stream Open()
    {
        const int Descriptor = 1;
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
        {
            return Console.OpenStandardOutput();
        }

        // Not for a file: there a stream counts its own place, and what another program writes to the same file comes over it.
        var pipe = new FileStream(new SafeFileHandle(Descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }

    /// <summary>Whether a failure says that nobody reads standard output any more.</summary>
    public static bool IsClosed(IOException e)
    {
        const int BrokenPipe = 32;
        return !OperatingSystem.IsWindows() && e.HResult == BrokenPipe;
    }

    public static async Task WriteJsonAsync(Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        await using var output = Open();
        await using (var json = new Utf8JsonWriter(output, Indented))
        {
            write(json);
        }

        await output.WriteAsync("\n"u8.ToArray(), cancellationToken);
    }

    public static TextTable Table(params string[] headings) => new(!Console.IsOutputRedirected, headings);

    public static Task WriteAsync(TextTable table) => Console.Out.WriteAsync(table.ToString());
}
