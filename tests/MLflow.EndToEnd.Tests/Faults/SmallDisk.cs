using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace MLflow.EndToEnd.Tests.Faults;

/// <summary>A disk of few bytes for one process: a tmpfs that only the process sees as its folder, and that goes with it.</summary>
internal static class SmallDisk
{
    private const int Megabyte = 1 << 20;

    // Without privileges where the kernel allows it, else with those of root.
    private static readonly string[] Ways = ["-Urm", "-m"];

    /// <summary>The command that runs another one with a small disk in a folder's place. Skips the test where the system permits no such thing.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="bytes">Size of the disk.</param>
    public static IReadOnlyList<string> Command(string folder, int bytes) => Command(folder, "size=" + bytes.ToString(CultureInfo.InvariantCulture));

    /// <summary>As <see cref="Command(string, int)"/>, with a disk that takes nothing, not even from root.</summary>
    public static IReadOnlyList<string> ReadOnlyCommand(string folder) => Command(folder, "ro");

    private static IReadOnlyList<string> Command(string folder, string option)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A disk for one process needs namespaces of Linux.");
        var mount = $"mount -t tmpfs -o {option} tmpfs \"$0\"";
        var refusal = "";
        foreach (var way in Ways)
        {
            using var trial = Process.Start(new ProcessStartInfo("unshare", [way, "sh", "-c", mount, folder]) { RedirectStandardError = true })!;
            refusal = trial.StandardError.ReadToEnd().Trim();
            trial.WaitForExit();
            if (trial.ExitCode == 0)
            {
                return ["unshare", way, "sh", "-c", mount + " && exec \"$@\"", folder];
            }
        }

        Assert.Skip($"This system permits no mount of its own to a process: {refusal}");
        return [];
    }

    /// <summary>Takes all that is left of the disk.</summary>
    /// <param name="process">The process that has the disk.</param>
    /// <param name="folder">Its folder.</param>
    public static void Fill(int process, string folder)
    {
        using var filler = new FileStream(Filler(process, folder), FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var piece = Megabyte; piece > 0;)
        {
            try
            {
                filler.Write(new byte[piece]);
            }
            catch (IOException)
            {
                piece /= 2;
            }
        }
    }

    /// <summary>Gives free what <see cref="Fill"/> took.</summary>
    public static void Free(int process, string folder) => File.Delete(Filler(process, folder));

    // Linux shows each process's files as it sees them.
    private static string Filler(int process, string folder) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/root{folder}/filler");
}
