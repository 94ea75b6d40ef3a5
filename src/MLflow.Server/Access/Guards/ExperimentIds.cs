namespace MLflow.Server.Access.Guards;

/// <summary>The experiments of a search.</summary>
internal static class ExperimentIds
{
    /// <summary>Those among <paramref name="named"/> that the caller may read.</summary>
    /// <exception cref="MlflowException">PERMISSION_DENIED: they may read none of them.</exception>
    public static IReadOnlyList<long> Readable(Caller caller, IReadOnlyList<long> named)
    {
        if (caller.IsAdministrator || named.Count == 0)
        {
            return named;
        }

        var readable = named.Where(id => caller.May(ExperimentRights.Read, id)).ToList();
        if (readable.Count == 0)
        {
            caller.Require(ExperimentRights.Read, named[0]);
        }

        return readable;
    }
}
