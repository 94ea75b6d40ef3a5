using System.Text;
using Microsoft.Build.Framework;

namespace MLflow.Tracing.Weaver;

/// <summary>The MSBuild task: weaves the assembly that the compiler has just written, in its place.</summary>
public sealed class WeaveTraces : Microsoft.Build.Utilities.Task
{
    // How the name ends in the table of names; another one that ends so may share it.
    private const string AttributeName = "TraceAttribute\0";

    /// <summary>The compiler's output.</summary>
    [Required]
    public string AssemblyFile { get; set; } = "";

    /// <summary>The compiler's symbols; they need not be there.</summary>
    public string? SymbolFile { get; set; }

    /// <summary>What the compiler was given as references.</summary>
    public ITaskItem[] References { get; set; } = [];

    /// <summary>The key that the assembly is signed with, where it is signed now.</summary>
    public string? KeyFile { get; set; }

    /// <inheritdoc/>
    public override bool Execute()
    {
        try
        {
            // Without loading Cecil: most of the time a build takes for weaving is that.
            if (File.Exists(AssemblyFile) && MayHaveTraces())
            {
                Weave();
            }
        }
        catch (Exception e)
        {
            Log.LogError(null, WarningCodes.Failed, null, AssemblyFile, 0, 0, 0, 0, $"[Trace] could not be woven into {Path.GetFileName(AssemblyFile)}: {e.Message} MlflowTraceWeaving=false builds without.");
            Log.LogMessage(MessageImportance.Normal, e.ToString());
        }

        return !Log.HasLoggedErrors;
    }

    private bool MayHaveTraces() => Encoding.GetEncoding("iso-8859-1").GetString(File.ReadAllBytes(AssemblyFile)).IndexOf(AttributeName, StringComparison.Ordinal) >= 0;

    private void Weave()
    {
        var weaver = new AssemblyWeaver(References.Select(reference => reference.ItemSpec), Warn);
        var count = weaver.Weave(AssemblyFile, SymbolFile, KeyFile);
        Log.LogMessage(MessageImportance.Low, $"{count} methods with [Trace] in {Path.GetFileName(AssemblyFile)} woven.");
    }

    private void Warn(WeavingWarning warning) =>
        Log.LogWarning(null, warning.Code, null, warning.File, warning.Line, warning.Column, 0, 0, warning.Message);
}
