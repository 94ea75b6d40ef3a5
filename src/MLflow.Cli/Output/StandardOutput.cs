using System.Text.Encodings.Web;
using System.Text.Json;

namespace MLflow.Cli.Output;

/// <summary>Standard output, for programs and for people.</summary>
internal static class StandardOutput
{
    /// <summary>Text stays text, as MLflow writes it; depth as of the traces themselves.</summary>
    public static readonly JsonWriterOptions Indented = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true, MaxDepth = AnyValueReader.MaxDepth };

    public static async Task WriteJsonAsync(Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        await using var output = Console.OpenStandardOutput();
        await using (var json = new Utf8JsonWriter(output, Indented))
        {
            write(json);
        }

        await output.WriteAsync("\n"u8.ToArray(), cancellationToken);
    }

    public static TextTable Table(params string[] headings) => new(!Console.IsOutputRedirected, headings);

    public static Task WriteAsync(TextTable table) => Console.Out.WriteAsync(table.ToString());
}
