using static MLflow.Cli.Doctor.CheckOutcome;

namespace MLflow.Cli.Doctor;

/// <summary>The folder where traces wait while the server is away: whether it can be written, and what waits there.</summary>
internal static class SpoolCheck
{
    public static CheckResult Run()
    {
        try
        {
            if (SpoolImport.DefaultFolder() is not { } folder)
            {
                return new CheckResult("spool", Warning, "there is none (MLFLOW_SPOOL_DIRECTORY is 'none', or this user has no home): what cannot be sent is lost with the program");
            }

            if (!Directory.Exists(folder))
            {
                return new CheckResult("spool", Ok, $"{folder} is made when it is needed");
            }

            var probe = Path.Combine(folder, $".doctor-{Environment.ProcessId}");
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }

            var files = new DirectoryInfo(folder).GetFiles("*" + TraceSpool.Extension);
            var targets = SpoolImport.Targets(folder);
            return targets.Count == 0
                ? new CheckResult("spool", Ok, $"nothing waits in {folder}")
                : new CheckResult("spool", Warning, $"{files.Length} files ({files.Sum(file => file.Length) >> 10} KiB) wait in {folder} for {string.Join(", ", targets)}: mlflow import --spool sends them");
        }
        catch (ArgumentException e)
        {
            return new CheckResult("spool", Failed, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new CheckResult("spool", Failed, $"the folder cannot be used: {e.Message}; give its user the right, or set MLFLOW_SPOOL_DIRECTORY");
        }
    }
}
