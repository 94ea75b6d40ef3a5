using System.Runtime.InteropServices;

namespace MLflow.Server.Blobs;

/// <summary>Makes the names in a folder durable: a file that is flushed may have no name after a power failure. .NET does not open folders, so this asks the system itself.</summary>
internal static class FolderSync
{
    private const int ReadOnly = 0;

    /// <summary>Does what it can: Windows needs no such call, and some file systems refuse it.</summary>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var handle = Open(folder, ReadOnly);
        if (handle >= 0)
        {
            _ = Sync(handle);
            _ = Close(handle);
        }
    }

    // SYSLIB1054 wants code that is generated, for which the whole project would have to allow unsafe code.
#pragma warning disable SYSLIB1054, CA5392, CA2101
    [DllImport("libc", EntryPoint = "open", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync")]
    private static extern int Sync(int handle);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int handle);
#pragma warning restore SYSLIB1054, CA5392, CA2101
}
