using MLflow.Cli.Commands;

namespace MLflow.Cli.Traces.Import;

/// <summary>Sends a file line by line, and keeps how far it came.</summary>
internal sealed class TraceImport
{
    /// <summary>Lines between two writes of the cursor. What a killed process did since is done once more, which changes nothing.</summary>
    private const int LinesPerCursor = 20;

    private readonly TraceUpload _upload;
    private readonly ITraceLines _lines;
    private readonly CursorFile<ImportCursor>? _cursors;
    private readonly bool _continuesOnError;

    public TraceImport(TraceUpload upload, ITraceLines lines, CursorFile<ImportCursor>? cursors, bool continuesOnError)
    {
        _upload = upload;
        _lines = lines;
        _cursors = cursors;
        _continuesOnError = continuesOnError;
    }

    /// <returns>The exit code.</returns>
    /// <exception cref="CommandException">A line cannot be imported.</exception>
    public async Task<int> RunAsync(ImportCursor cursor, CancellationToken cancellationToken)
    {
        var (sent, failed, before) = (0L, 0L, cursor.Lines);
        try
        {
            while (await _lines.ReadAsync(cancellationToken) is { } line)
            {
                try
                {
                    sent += line.Span.Trim(" \t\r\n"u8).Length == 0 ? 0 : await _upload.SendAsync(line, cancellationToken);
                }
                catch (Exception e) when (IsOfTheLine(e) && _continuesOnError)
                {
                    failed++;
                    await Console.Error.WriteLineAsync($"mlflow: {_lines.Piece} {cursor.Lines + 1} is left out: {e.Message.ReplaceLineEndings(" ")}");
                }
                catch (Exception e) when (IsOfTheLine(e) || e is MlflowException)
                {
                    throw new CommandException($"{_lines.Piece} {cursor.Lines + 1} of {cursor.File} cannot be imported: {e.Message}", e);
                }

                cursor = cursor with { Bytes = cursor.Bytes + line.Length, Lines = cursor.Lines + 1 };
                if (cursor.Lines % LinesPerCursor == 0)
                {
                    _cursors?.Write(cursor);
                }
            }
        }
        finally
        {
            _cursors?.Write(cursor);
        }

        await Console.Out.WriteLineAsync($"Imported {sent} {(sent == 1 ? "trace" : "traces")}{(before > 0 ? $" after the {before} {_lines.Piece}s of before" : "")}{(failed > 0 ? $"; {failed} {_lines.Piece}s were left out" : "")}");
        return failed == 0 ? ExitCodes.Done : ExitCodes.Failed;
    }

    /// <summary>What another line need not meet: the server is there and does not like this one.</summary>
    private static bool IsOfTheLine(Exception e) =>
        e is FormatException or InvalidOperationException or OverflowException or MlflowException { StatusCode: System.Net.HttpStatusCode.BadRequest or System.Net.HttpStatusCode.UnprocessableEntity or System.Net.HttpStatusCode.RequestEntityTooLarge };
}
