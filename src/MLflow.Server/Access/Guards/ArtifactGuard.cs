using System.Globalization;

namespace MLflow.Server.Access.Guards;

/// <summary>
/// Whose an artifact is: its path begins with the id of its experiment. What lies elsewhere, because an experiment was made with another location, and the folder
/// of all artifacts are for administrators.
/// </summary>
internal sealed class ArtifactGuard
{
    private readonly CurrentCaller _caller;

    public ArtifactGuard(CurrentCaller caller) => _caller = caller;

    /// <param name="path">A checked path.</param>
    /// <exception cref="MlflowException">PERMISSION_DENIED</exception>
    public Task RequireReadAsync(string path) => RequireAsync(ExperimentRights.Read, path);

    /// <summary>Attachments of traces come with the traces; everything else is an edit.</summary>
    /// <param name="path">A checked path.</param>
    /// <exception cref="MlflowException">PERMISSION_DENIED</exception>
    public Task RequireWriteAsync(string path) => RequireAsync(IsAttachment(path) ? ExperimentRights.Ingest : ExperimentRights.Edit, path);

    private async Task RequireAsync(ExperimentRights rights, string path)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        var first = path.Split('/')[0];

        // Digits alone, without zeros before them: other spellings are other folders.
        if (long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var experimentId) && experimentId.ToString(CultureInfo.InvariantCulture) == first)
        {
            caller.Require(rights, experimentId);
        }
        else if (!caller.IsAdministrator)
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, $"Permission denied: '{path}' is in the folder of no experiment, which only administrators may use.");
        }
    }

    private static bool IsAttachment(string path) => path.Split('/') is [_, "traces", _, "artifacts", "attachments", _];
}
