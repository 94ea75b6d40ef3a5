using MLflow.Cli.Commands;
using MLflow.Cli.Traces.Export;

namespace MLflow.Cli.Traces.Parquet;

/// <summary>A Parquet file that is there whole or not at all: its index stands at its end, so that half of it is of no use to anybody.</summary>
internal static class ParquetExport
{
    /// <param name="path">The file.</param>
    /// <param name="export">Writes all traces.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>What <paramref name="export"/> returns.</returns>
    /// <exception cref="CommandException">The file is there already.</exception>
    public static async Task<ExportCursor> RunAsync(string path, Func<ITraceWriter, Task<ExportCursor>> export, CancellationToken cancellationToken)
    {
        if (File.Exists(path))
        {
            throw new CommandException($"{path} is there already: name another file, or remove it");
        }

        var partial = path + ".partial";
        try
        {
            ExportCursor end;
            await using (var file = new FileStream(partial, FileMode.Create, FileAccess.Write))
            {
                await using (var writer = await ParquetTraceWriter.CreateAsync(file, cancellationToken))
                {
                    end = await export(writer);
                    await writer.FinishAsync(cancellationToken);
                }

                file.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: false);
            return end;
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }
}
