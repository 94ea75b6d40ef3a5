using MLflow.Cli.Commands;

namespace MLflow.Cli.Traces.Import;

/// <summary>
/// Sends a file line by line, several at a time, and keeps how far it came: to the first line that is not done. Two lines of the same trace are sent one after
/// the other, so that the later one has the last word as in the file.
/// </summary>
internal sealed class TraceImport
{
    /// <summary>Lines that are under way at a time, and their bytes; a single one may be larger.</summary>
    private const int MaxLines = 8;
    private const long MaxBytes = 32 << 20;

    /// <summary>Lines between two writes of the cursor. What a killed process did since is done once more, which changes nothing.</summary>
    private const int LinesPerCursor = 20;

    private readonly TraceUpload _upload;
    private readonly ITraceLines _lines;
    private readonly CursorFile<ImportCursor>? _cursors;
    private readonly bool _continuesOnError;
    private readonly Queue<Sending> _sendings = new();
    private ImportCursor _cursor = null!;
    private long _sent;
    private long _failed;

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
        _cursor = cursor;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            while (await _lines.ReadAsync(cancellationToken) is { } line)
            {
                while (_sendings.Count >= MaxLines || (_sendings.Count > 0 && _sendings.Sum(sending => sending.Bytes) + line.Length > MaxBytes))
                {
                    await SettleAsync();
                }

                await StartAsync(line, stop.Token);
            }

            while (_sendings.Count > 0)
            {
                await SettleAsync();
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(_sendings.Select(sending => sending.Traces)).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            _cursors?.Write(_cursor);
        }

        await Console.Out.WriteLineAsync($"Imported {_sent} {(_sent == 1 ? "trace" : "traces")}{(cursor.Lines > 0 ? $" after the {cursor.Lines} {_lines.Piece}s of before" : "")}{(_failed > 0 ? $"; {_failed} {_lines.Piece}s were left out" : "")}");
        return _failed == 0 ? ExitCodes.Done : ExitCodes.Failed;
    }

    private async Task StartAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        if (line.Span.Trim(" \t\r\n"u8).Length == 0)
        {
            _sendings.Enqueue(new Sending(line.Length, new HashSet<string>(), Task.FromResult(0)));
            return;
        }

        ImportPiece piece;
        try
        {
            // The line's own bytes are those of the next one soon.
            piece = _upload.Read(line.ToArray());
        }
        catch (Exception e) when (IsOfTheLine(e))
        {
            _sendings.Enqueue(new Sending(line.Length, new HashSet<string>(), Task.FromException<int>(e)));
            return;
        }

        var bytes = line.Length;
        while (_sendings.Any(sending => sending.TraceIds.Overlaps(piece.TraceIds)))
        {
            await SettleAsync();
        }

        _sendings.Enqueue(new Sending(bytes, piece.TraceIds, SendAsync(piece, cancellationToken)));
    }

    private async Task<int> SendAsync(ImportPiece piece, CancellationToken cancellationToken)
    {
        using (piece)
        {
            return await _upload.SendAsync(piece, cancellationToken);
        }
    }

    /// <summary>Waits for the oldest line that is under way.</summary>
    private async Task SettleAsync()
    {
        var oldest = _sendings.Dequeue();
        try
        {
            _sent += await oldest.Traces;
        }
        catch (Exception e) when (IsOfTheLine(e) && _continuesOnError)
        {
            _failed++;
            await Console.Error.WriteLineAsync($"mlflow: {_lines.Piece} {_cursor.Lines + 1} is left out: {e.Message.ReplaceLineEndings(" ")}");
        }
        catch (Exception e) when (IsOfTheLine(e) || e is MlflowException)
        {
            throw new CommandException($"{_lines.Piece} {_cursor.Lines + 1} of {_cursor.File} cannot be imported: {e.Message}", e);
        }

        _cursor = _cursor with { Bytes = _cursor.Bytes + oldest.Bytes, Lines = _cursor.Lines + 1 };
        if (_cursor.Lines % LinesPerCursor == 0)
        {
            _cursors?.Write(_cursor);
        }
    }

    /// <summary>What another line need not meet: the server is there and does not like this one.</summary>
    private static bool IsOfTheLine(Exception e) =>
        e is FormatException or InvalidOperationException or OverflowException or MlflowException { StatusCode: System.Net.HttpStatusCode.BadRequest or System.Net.HttpStatusCode.UnprocessableEntity or System.Net.HttpStatusCode.RequestEntityTooLarge };

    private sealed record Sending(long Bytes, IReadOnlySet<string> TraceIds, Task<int> Traces);
}
